import type { Texts } from '../en'
import { charts } from './charts'
import { common } from './common'
import { door } from './door'
import { fleet } from './fleet'
import { miner } from './miner'
import { miners } from './miners'
import { people } from './people'
import { site } from './site'
import { watts } from './watts'

export const ru: Texts = { ...charts, ...common, ...door, ...fleet, ...miner, ...miners, ...people, ...site, ...watts }
