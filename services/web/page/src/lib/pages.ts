/** The rooms of the page: where each is, who may enter, and the file that is fetched when somebody does. */

import type { Component } from 'svelte'
import type { IconName } from '../parts/icons'
import type { Key } from './i18n/en/index'
import type { Right } from './types'

export interface Page {
  name: string
  title: Key
  icon: IconName
  right: Right
  load: () => Promise<{ default: Component }>
  /** A room one comes to from another, that stands in no menu; the other's name. */
  within?: string
}

export const PAGES: Page[] = [
  { name: '', title: 'nav.site', icon: 'site', right: 'read', load: () => import('../pages/Site.svelte') },
  { name: 'miners', title: 'nav.miners', icon: 'miners', right: 'read', load: () => import('../pages/Miners.svelte') },
  { name: 'miner', title: 'nav.miners', icon: 'miners', right: 'read', within: 'miners', load: () => import('../pages/Miner.svelte') },
  { name: 'heat', title: 'nav.heat', icon: 'heat', right: 'read', load: () => import('../pages/Heat.svelte') },
  { name: 'charts', title: 'nav.charts', icon: 'charts', right: 'read', load: () => import('../pages/Charts.svelte') },
  { name: 'curtailment', title: 'nav.curtailment', icon: 'curtailment', right: 'read', load: () => import('../pages/Curtailment.svelte') },
  { name: 'market', title: 'nav.market', icon: 'market', right: 'read', load: () => import('../pages/Market.svelte') },
  { name: 'alerts', title: 'nav.alerts', icon: 'alerts', right: 'read', load: () => import('../pages/Alerts.svelte') },
  { name: 'timeline', title: 'nav.timeline', icon: 'timeline', right: 'read', load: () => import('../pages/Timeline.svelte') },
  { name: 'network', title: 'nav.network', icon: 'network', right: 'read', load: () => import('../pages/Network.svelte') },
  { name: 'users', title: 'nav.users', icon: 'users', right: 'admin', load: () => import('../pages/Users.svelte') },
]
