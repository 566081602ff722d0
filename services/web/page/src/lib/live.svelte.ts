/** The living site: what the service sends over its event stream, section by section. */

import { renewed } from './api'
import type { Alert, Batch, BusState, Energy, Info, Message, MinerRow, Operation, TimelineEvent, Totals } from './types'

interface Sections {
  bus: BusState
  totals: Totals
  energy: Energy
  infos: Info
  miners: MinerRow
  details: Message
  batteries: Message
  meters: Message
  sensors: Message
  equipment: Message
  services: Message
  alerts: Alert
  control: Message
  profile: Message
  plan: Message
  progress: Message
  settlements: Message
  curtailment_requests: Message
  market: Message
  zones: Message
  heat: Message
  requests: Message
  operations: Operation
  batches: Batch
  scans: Message
  timeline: TimelineEvent
}

type Name = keyof Sections
type Frame = Partial<Record<Name, Record<string, unknown>>> & { at?: string; gone?: Partial<Record<Name, string[]>> }

const NAMES: Name[] = [
  'bus', 'totals', 'energy', 'infos', 'miners', 'details', 'batteries', 'meters', 'sensors', 'equipment', 'services',
  'alerts', 'control', 'profile', 'plan', 'progress', 'settlements', 'curtailment_requests', 'market', 'zones', 'heat',
  'requests', 'operations', 'batches', 'scans', 'timeline',
]
/** The service sends a pulse every 10 s: after this long without one the line is dead. */
const SILENCE_MS = 25_000
const RETRY_MS = 3_000

class Section<T> {
  /** A new map with each frame: thousands of rows are compared by the lists that show them, not by a proxy each. */
  all = $state.raw<ReadonlyMap<string, T>>(new Map())

  get(id: string): T | undefined {
    return this.all.get(id)
  }

  get one(): T | undefined {
    return this.all.get('site')
  }

  take(values: Record<string, unknown>, gone: string[], isWhole: boolean): void {
    const next = new Map(isWhole ? [] : this.all)
    for (const [id, value] of Object.entries(values)) next.set(id, value as T)
    for (const id of gone) next.delete(id)
    this.all = next
  }
}

class Live {
  /** Whether the line to the service stands: `waiting` before the first frame. */
  line = $state<'waiting' | 'open' | 'lost'>('waiting')
  /** Milliseconds of now by the clock of the site, one step a second: a phone's own clock may be wrong. */
  now = $state(Date.now())
  private sections = Object.fromEntries(NAMES.map((name) => [name, new Section<unknown>()])) as Record<Name, Section<any>>
  private source: EventSource | null = null
  private watched: string[] = []
  private skew = 0
  private heardAt = 0
  private onEnded: () => void = () => {}

  constructor() {
    setInterval(() => this.tick(), 1000)
  }

  section<N extends Name>(name: N): Section<Sections[N]> {
    return this.sections[name] as Section<Sections[N]>
  }

  open(onEnded: () => void): void {
    this.onEnded = onEnded
    this.connect()
  }

  close(): void {
    this.source?.close()
    this.source = null
    this.line = 'waiting'
  }

  /** Hears everything of these miners, beside one line of each. */
  watch(miners: string[]): void {
    if (miners.join() === this.watched.join()) return
    this.watched = miners
    if (this.source) this.connect()
  }

  private connect(): void {
    this.source?.close()
    const detail = this.watched.length ? `?detail=${this.watched.map(encodeURIComponent).join(',')}` : ''
    const source = new EventSource(`/api/events${detail}`)
    this.source = source
    this.heardAt = Date.now()
    source.addEventListener('snapshot', (event) => this.take(JSON.parse(event.data), true))
    source.addEventListener('delta', (event) => this.take(JSON.parse(event.data), false))
    source.addEventListener('pulse', (event) => this.beat(JSON.parse(event.data)))
    source.addEventListener('ended', () => {
      this.close()
      this.onEnded()
    })
    source.onerror = () => {
      if (this.source !== source) return
      this.line = 'lost'
      // The browser tries again by itself, unless the service said no: then the login may need to be renewed.
      if (source.readyState === EventSource.CLOSED) void this.again(source)
    }
  }

  private async again(source: EventSource): Promise<void> {
    await new Promise((done) => setTimeout(done, RETRY_MS))
    if (this.source !== source) return
    await renewed()
    if (this.source === source) this.connect()
  }

  private take(frame: Frame, isWhole: boolean): void {
    this.beat(frame)
    for (const name of NAMES) {
      const values = frame[name]
      const gone = frame.gone?.[name] ?? []
      if (values || gone.length || isWhole) this.sections[name].take(values ?? {}, gone, isWhole)
    }
  }

  private beat(told: { at?: string }): void {
    this.line = 'open'
    this.heardAt = Date.now()
    if (told.at) this.skew = Date.parse(told.at) - this.heardAt
    this.now = this.heardAt + this.skew
  }

  private tick(): void {
    this.now = Date.now() + this.skew
    if (this.source && this.line === 'open' && Date.now() - this.heardAt > SILENCE_MS) {
      this.line = 'lost'
      this.connect()
    }
  }
}

export const live = new Live()
