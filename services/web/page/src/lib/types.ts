/** What the service sends, as far as the page shows it. Units stand in the names; null is not known. */

export type Right = 'read' | 'power' | 'order' | 'curtail' | 'heat' | 'control' | 'scan' | 'alerts' | 'admin'

export interface Grant { on: string; may_write: boolean }

export interface User { id: string; name: string; role: 'admin' | 'operator' | 'guest'; grants: Grant[]; rights: Right[] }

export interface PowerLevel { name: string; power_w: number }

export interface Info {
  make: string | null
  model: string | null
  firmware: string | null
  firmware_version: string | null
  driver: string
  level: string
  group: string | null
  host: string | null
  capabilities: string[]
  min_power_w: number | null
  max_power_w: number | null
  rated_power_w: number | null
  power_step_w: number | null
  power_levels: PowerLevel[]
  rated_hashrate_ths: number | null
  restarts_mining: boolean
  ramp_s: number | null
  is_liquid_cooled: boolean | null
}

export interface MinerRow {
  at: string | null
  online: boolean | null
  since: string | null
  reason: string | null
  state: string | null
  health: string | null
  power_w: number | null
  power_limit_w: number | null
  hashrate_ths: number | null
  hashrate_expected_ths: number | null
  efficiency_j_per_th: number | null
  chip_max_c: number | null
  board_max_c: number | null
  liquid_c: number | null
  ambient_c: number | null
  fan_rpm: number | null
  fan_pct: number | null
  boards_ok: number | null
  boards_total: number | null
  pool_url: string | null
  worker: string | null
  accepted: number | null
  rejected: number | null
  uptime_s: number | null
  errors: number | null
  error: string | null
  setpoint_w: number | null
  setpoint_status: string | null
  why: string | null
  waits: string | null
}

export interface Totals {
  miners: number
  online: number
  mining: number
  sleeping: number
  stale: number
  faults: number
  power_w: number | null
  hashrate_ths: number | null
  efficiency_j_per_th: number | null
  complete_pct: number | null
  setpoint_w: number | null
  max_power_w: number | null
}

export interface Energy {
  pv_w: number | null
  battery_w: number | null
  soc_pct: number | null
  load_w: number | null
  grid_w: number | null
  miners_w: number | null
  house_w: number | null
  heat_w: number | null
  at: string | null
}

export interface BusState { connected: boolean; since: string | null; heard_at: string | null }

export type Severity = 'info' | 'warning' | 'critical'

export interface Alert {
  key: string
  severity: Severity
  title: string
  text: string
  since: string
  cleared_at: string | null
  count: number
  acked_by?: string | null
  acked_at?: string | null
}

export interface TimelineEvent {
  n: number
  at: string
  kind: string
  severity: Severity
  title: string
  why: string | null
  target: string | null
  count: number | null
  who: string | null
}

export interface Operation {
  id: string
  act: string
  target: string
  asked: Record<string, unknown>
  by: string
  via: string
  at: string
  expires_at: string | null
  status: 'pending' | 'taken' | 'confirmed' | 'refused' | 'failed' | 'timed_out'
  message: string | null
  changed_at: string
  batch: string | null
}

export interface Batch {
  id: string
  act: string
  at: string
  by: string
  total: number
  pending: number
  taken: number
  confirmed: number
  refused: number
  failed: number
  timed_out: number
  is_done: boolean
}

export interface ChartData {
  measurement: string
  device: string
  start: number
  stop: number
  step_s: number
  at: number[]
  fields: Record<string, { unit: string; mean: (number | null)[]; min: (number | null)[]; max: (number | null)[] }>
  age_s: number
  is_stale: boolean
  why: string | null
}

/** A message as it stands on the bus, for pages that show most of it. */
export type Message = Record<string, any>
