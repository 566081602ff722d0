/** The past, as the service answers it: one chart a question, several questions joined over one time axis. */

import { get } from './api'
import type { ChartData } from './types'

export const RANGES = ['1h', '6h', '24h', '3d', '1w', 'all'] as const
export type Range = (typeof RANGES)[number]

export interface Line {
  /** `/api/...` without the range, such as `/api/site/history`. */
  from: string
  field: string
  label: string
  color: string
  /** Lines of one unit share an axis; the second unit stands on the right. */
  unit: string
  text: (value: number | null) => string
  isHidden?: boolean
}

export interface Window { from: number; to: number }

export interface Joined {
  at: number[]
  columns: (number | null)[][]
  isStale: boolean
  why: string | null
}

/** Asks for all lines, each source once, and lays them over one axis of seconds; nulls are gaps. */
export async function history(lines: Line[], range: Range, window: Window | null, width: number, signal: AbortSignal): Promise<Joined> {
  const sources = [...new Set(lines.map((line) => line.from))]
  const charts = await Promise.all(sources.map((source) => get<ChartData>(question(source, lines, range, window, width), signal)))
  const of = new Map(sources.map((source, place) => [source, charts[place]!]))
  const at = [...new Set(charts.flatMap((chart) => chart.at))].sort((one, other) => one - other)
  const columns = lines.map((line) => {
    const chart = of.get(line.from)!
    const means = chart.fields[line.field]?.mean ?? []
    const values = new Map(chart.at.map((moment, place) => [moment, means[place] ?? null]))
    return at.map((moment) => values.get(moment) ?? null)
  })
  const stale = charts.find((chart) => chart.is_stale)
  return { at, columns, isStale: stale !== undefined, why: stale?.why ?? null }
}

function question(source: string, lines: Line[], range: Range, window: Window | null, width: number): string {
  const fields = [...new Set(lines.filter((line) => line.from === source).map((line) => line.field))].join(',')
  const when = window
    ? `from=${new Date(window.from * 1000).toISOString()}&to=${new Date(window.to * 1000).toISOString()}`
    : `range=${range}`
  return `${source}${source.includes('?') ? '&' : '?'}fields=${fields}&${when}&width=${Math.round(width)}`
}
