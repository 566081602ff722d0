/** Every text of the page in English; the other languages have the same keys, which the type checker sees to. */

import { charts } from './charts'
import { common } from './common'
import { door } from './door'
import { fleet } from './fleet'
import { miner } from './miner'
import { miners } from './miners'
import { people } from './people'
import { site } from './site'
import { watts } from './watts'

export const en = { ...charts, ...common, ...door, ...fleet, ...miner, ...miners, ...people, ...site, ...watts }

export type Key = keyof typeof en
/** A text, or its forms by the number in it, as the language has them (Intl.PluralRules). */
export type Text = string | { one?: string; few?: string; many?: string; other: string }
export type Texts = Record<Key, Text>
/** What a file of another language must have: the keys of the English one. */
export type Like<T> = Record<keyof T, Text>
