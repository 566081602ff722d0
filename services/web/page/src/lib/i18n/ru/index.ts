import type { Texts } from '../en'
import { common } from './common'
import { door } from './door'
import { miners } from './miners'
import { site } from './site'

export const ru: Texts = { ...common, ...door, ...miners, ...site }
