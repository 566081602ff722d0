/** The sites as the collector knows them, asked for again and again, and who is asking. */

import { ApiError } from '../lib/api'

export interface Site {
  site_id: string
  title: string
  miners_total: number
  online: number
  offline: number
  stale: number
  warning: number
  critical: number
  hashrate_ghs: number | null
  power_consumption: number | null
  power_complete_pct: number | null
  efficiency: number | null
  temperature_max: number | null
  updated_at: string | null
  is_stale: boolean
}

export interface Miner {
  site_id: string
  miner_id: string
  state: 'online' | 'offline' | 'stale'
  recorded_at: string
  model: string | null
  capabilities: string[] | null
  error_message: string | null
  overall_health: string | null
  hashrate_ghs: number | null
  temperature_max: number | null
  power_consumption: number | null
}

export interface FleetAlert {
  id: string
  severity: 'critical' | 'warning'
  site_id: string
  miner_id: string | null
  message: string
  since: string | null
}

export interface Command {
  command_id: string
  site_id: string
  miner_id: string | null
  command_type: string
  status: string
  created_by: string
  created_at: string
  completed_at: string | null
  result_message: string | null
}

export interface Progress { total: number; done: number; by_status: Record<string, number> }

interface Who { name: string; roles: Record<string, string>; csrf_token: string }

const EVERY_MS = 5_000
const RETRY_MS = 3_000
const OPERATES = ['operator', 'admin']

class Cloud {
  state = $state<'loading' | 'unreachable' | 'out' | 'in'>('loading')
  who = $state.raw<Who | null>(null)
  sites = $state.raw<Site[]>([])
  alerts = $state.raw<FleetAlert[]>([])
  /** When the last answer came; a page that hears nothing any more says so. */
  heardAt = $state<string | null>(null)
  isLost = $state(false)
  private timer = 0

  async begin(): Promise<void> {
    try {
      this.enter(await this.ask<Who>('GET', 'session'))
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return
      this.state = 'unreachable'
      setTimeout(() => void this.begin(), RETRY_MS)
    }
  }

  async login(username: string, password: string): Promise<void> {
    this.enter(await this.ask<Who>('POST', 'session', { username, password }))
  }

  async logout(): Promise<void> {
    await this.ask('DELETE', 'session').catch(() => {})
    this.leave()
  }

  /** Whether this person may have something done at a site. */
  operates(site: string): boolean {
    const role = this.who?.roles[site] ?? this.who?.roles['*']
    return [role, this.who?.roles['*']].some((one) => OPERATES.includes(one ?? ''))
  }

  async ask<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = { Accept: 'application/json' }
    if (method !== 'GET' && this.who) headers['X-CSRF-Token'] = this.who.csrf_token
    const init: RequestInit = { method, headers, credentials: 'same-origin' }
    if (body !== undefined) {
      headers['Content-Type'] = 'application/json'
      init.body = JSON.stringify(body)
    }
    let reply: Response
    try {
      reply = await fetch(`/api/collector/${path}`, init)
    } catch {
      throw new ApiError(0, 'unreachable', '')
    }
    const told = await reply.json().catch(() => ({}))
    if (reply.ok) return told as T
    if (reply.status === 401) this.leave()
    throw new ApiError(reply.status, 'refused', told.error ?? reply.statusText)
  }

  private enter(who: Who): void {
    this.who = who
    this.state = 'in'
    void this.look()
  }

  private leave(): void {
    clearTimeout(this.timer)
    this.who = null
    this.sites = []
    this.alerts = []
    this.state = 'out'
  }

  private async look(): Promise<void> {
    clearTimeout(this.timer)
    try {
      const [found, alerts] = await Promise.all([
        this.ask<{ at: string; sites: Site[] }>('GET', 'sites'),
        this.ask<{ alerts: FleetAlert[] }>('GET', 'alerts'),
      ])
      this.sites = found.sites
      this.alerts = alerts.alerts
      this.heardAt = found.at
      this.isLost = false
    } catch {
      this.isLost = true
    }
    if (this.state === 'in') this.timer = window.setTimeout(() => void this.look(), EVERY_MS)
  }
}

export const cloud = new Cloud()
