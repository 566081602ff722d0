/** Figures as people read them: three digits that matter, the unit that fits, in the language of the page. */

import { speech, t } from './i18n/index.svelte'

export const NOTHING = '–'

function scaled(value: number, steps: [number, string][]): string {
  const size = Math.abs(value)
  const [factor, unit] = steps.find(([from]) => size >= from) ?? steps[steps.length - 1]!
  const shown = value / (factor || 1)
  const digits = Math.abs(shown) >= 100 ? 0 : Math.abs(shown) >= 10 ? 1 : 2
  return `${plain(shown, factor === 1 && unit === 'W' ? 0 : digits)} ${unit}`
}

export function plain(value: number | null | undefined, digits = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING
  return value.toLocaleString(speech.language, { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

const some = (value: number | null | undefined): value is number => value !== null && value !== undefined

export const watts = (w: number | null | undefined) =>
  some(w) ? scaled(w, [[1e6, 'MW'], [1e3, 'kW'], [1, 'W'], [0, 'W']]).replace(/^0[.,]00 /, '0 ') : NOTHING

export const wattHours = (wh: number | null | undefined) =>
  some(wh) ? scaled(wh, [[1e6, 'MWh'], [1e3, 'kWh'], [0, 'Wh']]) : NOTHING

export const hashrate = (ths: number | null | undefined) =>
  !some(ths) ? NOTHING : ths === 0 ? '0 TH/s' : ths < 1 && ths > 0
    ? `${plain(ths * 1000, 0)} GH/s`
    : scaled(ths, [[1e6, 'EH/s'], [1e3, 'PH/s'], [1, 'TH/s'], [0, 'TH/s']])

export const celsius = (c: number | null | undefined, digits = 0) => (some(c) ? `${plain(c, digits)} °C` : NOTHING)
export const percent = (pct: number | null | undefined, digits = 0) => (some(pct) ? `${plain(pct, digits)} %` : NOTHING)
export const joules = (j: number | null | undefined) => (some(j) ? `${plain(j, 1)} J/TH` : NOTHING)

export function money(value: number | null | undefined, currency: string, digits = 2): string {
  if (!some(value)) return NOTHING
  try {
    const style = { style: 'currency', currency, minimumFractionDigits: digits, maximumFractionDigits: digits } as const
    return value.toLocaleString(speech.language, style)
  } catch {
    return `${plain(value, digits)} ${currency}`
  }
}

/** Returns how long ago a moment was, on the clock of the site. */
export function ago(at: string | null | undefined, nowMs: number): string {
  if (!at) return t('age.never')
  const seconds = Math.max(0, (nowMs - Date.parse(at)) / 1000)
  if (seconds < 5) return t('age.now')
  if (seconds < 90) return t('age.s', { n: Math.round(seconds) })
  if (seconds < 5400) return t('age.min', { n: Math.round(seconds / 60) })
  if (seconds < 129_600) return t('age.h', { n: Math.round(seconds / 3600) })
  return t('age.d', { n: Math.round(seconds / 86_400) })
}

export function span(seconds: number | null | undefined): string {
  if (!some(seconds)) return NOTHING
  const days = Math.floor(seconds / 86_400)
  const hours = Math.floor((seconds % 86_400) / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  if (days) return `${days} d ${hours} h`
  return hours ? `${hours} h ${minutes} min` : `${minutes} min`
}

export function clock(at: string | number | null | undefined, nowMs = Date.now()): string {
  if (at === null || at === undefined) return NOTHING
  const moment = new Date(at)
  const isToday = moment.toDateString() === new Date(nowMs).toDateString()
  const time = moment.toLocaleTimeString(speech.language, { hour: '2-digit', minute: '2-digit' })
  return isToday ? time : `${moment.toLocaleDateString(speech.language, { day: 'numeric', month: 'short' })}, ${time}`
}
