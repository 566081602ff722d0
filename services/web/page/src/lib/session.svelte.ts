/** Who is here, and what they may do. */

import { get, post, renewed, whenSignedOut } from './api'
import { live } from './live.svelte'
import type { Right, User } from './types'

interface AuthState {
  state: 'setup' | 'signed_out' | 'signed_in'
  site: string
  version: string
  user: User | null
  providers: { id: string; title: string }[]
}

class Session {
  state = $state<'loading' | 'unreachable' | AuthState['state']>('loading')
  user = $state.raw<User | null>(null)
  site = $state('')
  version = $state('')
  providers = $state.raw<AuthState['providers']>([])
  staleAfter = $state.raw<Record<string, number>>({ miner: 180, battery: 600, meter: 60, sensor: 3600, zone: 300 })

  constructor() {
    whenSignedOut(() => this.left())
  }

  async begin(): Promise<void> {
    try {
      let told = await get<AuthState>('/api/auth/state')
      if (told.state === 'signed_out' && (await renewed())) told = await get<AuthState>('/api/auth/state')
      this.site = told.site
      this.version = told.version
      this.providers = told.providers
      this.user = told.user
      this.state = told.state
    } catch {
      this.state = 'unreachable'
      setTimeout(() => void this.begin(), 3000)
      return
    }
    if (this.state === 'signed_in') this.entered()
  }

  async login(name: string, password: string): Promise<void> {
    const told = await post<{ user: User }>('/api/auth/login', { name, password, cookie: true })
    this.user = told.user
    this.state = 'signed_in'
    this.entered()
  }

  async setUp(code: string, name: string, password: string): Promise<void> {
    this.user = (await post<{ user: User }>('/api/setup', { code, name, password })).user
    this.state = 'signed_in'
    this.entered()
  }

  async logout(): Promise<void> {
    await post('/api/auth/logout').catch(() => {})
    this.left()
  }

  may(right: Right): boolean {
    return this.user?.rights.includes(right) ?? false
  }

  /** Whether this user may act on a miner: their role allows the act, and a grant covers the miner or its group. */
  mayActOn(miner: string, group: string | null | undefined, right: Right = 'power'): boolean {
    if (!this.may(right)) return false
    const covered = ['*', `miner:${miner}`, ...(group ? [`group:${group}`] : [])]
    return this.user?.grants.some((grant) => grant.may_write && covered.includes(grant.on)) ?? false
  }

  private entered(): void {
    live.open(() => void this.begin())
    get<{ stale_after_s: Record<string, number> }>('/api/system/status')
      .then((status) => (this.staleAfter = { ...this.staleAfter, ...status.stale_after_s }))
      .catch(() => {})
  }

  private left(): void {
    live.close()
    this.user = null
    this.state = 'signed_out'
  }
}

export const session = new Session()
