/** The language of the page: that of the browser, or the one chosen here. English texts are always at hand. */

import { en, type Key, type Texts } from './en/index'

export const LANGUAGES = { en: 'English', zh: '中文', ru: 'Русский' } as const
export type Language = keyof typeof LANGUAGES

const STORED = 'hashbus.language'
const LOAD: Record<Exclude<Language, 'en'>, () => Promise<Texts>> = {
  zh: () => import('./zh/index').then((module) => module.zh),
  ru: () => import('./ru/index').then((module) => module.ru),
}

function preferred(): Language {
  const wished = [localStorage.getItem(STORED) ?? '', ...navigator.languages]
  const found = wished.map((one) => one.slice(0, 2).toLowerCase()).find((one) => one in LANGUAGES)
  return (found ?? 'en') as Language
}

class Speech {
  language = $state<Language>('en')
  private texts = $state.raw<Texts>(en)
  private plural = $derived(new Intl.PluralRules(this.language))

  constructor() {
    void this.speak(preferred(), false)
  }

  async speak(language: Language, isChosen = true): Promise<void> {
    this.texts = language === 'en' ? en : await LOAD[language]()
    this.language = language
    document.documentElement.lang = language
    if (isChosen) localStorage.setItem(STORED, language)
  }

  /** Returns a text with its {places} filled; `n` chooses the plural. */
  say(key: Key, values: Record<string, string | number> = {}): string {
    const found = this.texts[key] ?? en[key]
    const text = typeof found === 'string' ? found : this.form(found, Number(values['n'] ?? 0))
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name]
      return value === undefined ? whole : typeof value === 'number' ? value.toLocaleString(this.language) : value
    })
  }

  private form(forms: Exclude<Texts[Key], string>, count: number): string {
    const rule = this.plural.select(count) as 'one' | 'few' | 'many' | 'other'
    return forms[rule] ?? forms.other
  }
}

export const speech = new Speech()

export const t = (key: Key, values?: Record<string, string | number>) => speech.say(key, values)

/** Returns the text of a word that the service sent, such as a state, or the word itself where there is none. */
export function word(prefix: string, value: string | null | undefined): string {
  if (!value) return t('app.unknown')
  const key = `${prefix}.${value}`
  return key in en ? t(key as Key) : value.replaceAll('_', ' ')
}
