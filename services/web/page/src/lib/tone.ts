/** What a state means at a glance: one table for dots, tags and rows. */

import type { MinerRow, Severity } from './types'

export type Tone = 'good' | 'warn' | 'bad' | 'off'

export function isStale(at: string | null | undefined, nowMs: number, staleAfterS: number): boolean {
  return !at || nowMs - Date.parse(at) > staleAfterS * 1000
}

/** Returns the word for what a miner does: whoever is not heard of late is never shown as it was. */
export function stateOf(row: MinerRow, nowMs: number, staleAfterS: number): string {
  if (row.online === false) return 'offline'
  if (isStale(row.at, nowMs, staleAfterS)) return 'stale'
  return row.state ?? 'unknown'
}

export function toneOf(state: string, health: string | null): Tone {
  if (state === 'offline' || state === 'fault' || health === 'critical') return 'bad'
  if (state === 'stale' || health === 'warning') return 'warn'
  if (state === 'sleeping' || state === 'idle' || state === 'unknown') return 'off'
  return 'good'
}

export const toneOfSeverity = (severity: Severity): Tone =>
  severity === 'critical' ? 'bad' : severity === 'warning' ? 'warn' : 'off'
