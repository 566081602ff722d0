/** Light, dark, or as the device has it; remembered in this browser. */

export type Theme = 'system' | 'light' | 'dark'
const STORED = 'hashbus.theme'

class Appearance {
  theme = $state<Theme>((localStorage.getItem(STORED) as Theme | null) ?? 'system')
  /** Changes whenever the colours do, for pictures that are painted. */
  version = $state(0)

  constructor() {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => (this.version += 1))
  }

  choose(theme: Theme): void {
    this.theme = theme
    localStorage.setItem(STORED, theme)
    this.apply()
  }

  apply(): void {
    if (this.theme === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = this.theme
    this.version += 1
  }
}

export const appearance = new Appearance()
