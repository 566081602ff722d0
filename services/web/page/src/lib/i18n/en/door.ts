/** Texts: how one comes in. */

export const door = {
  'login.title': 'Sign in',
  'login.name': 'Name',
  'login.password': 'Password',
  'login.submit': 'Sign in',
  'login.with': 'Sign in with {provider}',
  'login.wrong': 'Name or password is wrong.',
  'setup.title': 'Set up this site',
  'setup.intro': 'The first account becomes the administrator. The code proves that you are at the machine: `hashbus web code` prints it there.',
  'setup.code': 'Code',
  'setup.password_hint': 'At least 10 characters',
  'setup.submit': 'Create the account',
} as const
