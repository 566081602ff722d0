import type { charts as en } from '../en/charts'
import type { Like } from '../en'

export const charts: Like<typeof en> = {
  'chart.range': 'Период',
  'chart.whole': 'Весь период',
  'chart.empty': 'За это время ничего не записано.',
  'chart.soc': 'Заряд',
  'chart.temperatures': 'Температуры и вентиляторы',
  'chart.ambient': 'вокруг',
  'chart.fan': 'вентилятор',
}
