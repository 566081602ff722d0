import type { charts as en } from '../en/charts'
import type { Like } from '../en'

export const charts: Like<typeof en> = {
  'chart.range': '时间范围',
  'chart.whole': '完整范围',
  'chart.empty': '这段时间没有记录。',
  'chart.soc': '电量',
  'chart.temperatures': '温度与风扇',
  'chart.ambient': '环境',
  'chart.fan': '风扇',
}
