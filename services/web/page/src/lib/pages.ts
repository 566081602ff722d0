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
}

export const PAGES: Page[] = [
  { name: '', title: 'nav.site', icon: 'site', right: 'read', load: () => import('../pages/Site.svelte') },
  { name: 'miners', title: 'nav.miners', icon: 'miners', right: 'read', load: () => import('../pages/Miners.svelte') },
]
