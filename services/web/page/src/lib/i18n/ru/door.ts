import type { door as en } from '../en/door'
import type { Like } from '../en'

export const door: Like<typeof en> = {
  'login.title': 'Вход',
  'login.name': 'Имя',
  'login.password': 'Пароль',
  'login.submit': 'Войти',
  'login.with': 'Войти через {provider}',
  'login.wrong': 'Неверное имя или пароль.',
  'setup.title': 'Настройка площадки',
  'setup.intro': 'Первая учётная запись станет администратором. Код подтверждает, что вы у машины: его печатает там `hashbus web code`.',
  'setup.code': 'Код',
  'setup.password_hint': 'Не менее 10 символов',
  'setup.submit': 'Создать учётную запись',
}
