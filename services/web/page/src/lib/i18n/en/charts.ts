/** Texts: charts. */

export const charts = {
  'chart.range': 'Range',
  'chart.whole': 'Whole range',
  'chart.empty': 'Nothing was recorded in this time.',
  'chart.soc': 'Charge',
  'chart.temperatures': 'Temperatures and fans',
  'chart.ambient': 'around it',
  'chart.fan': 'fan',
} as const
