import type { door as en } from '../en/door'
import type { Like } from '../en'

export const door: Like<typeof en> = {
  'login.title': '登录',
  'login.name': '用户名',
  'login.password': '密码',
  'login.submit': '登录',
  'login.with': '使用 {provider} 登录',
  'login.wrong': '用户名或密码错误。',
  'setup.title': '初始化站点',
  'setup.intro': '第一个账户将成为管理员。验证码用于证明您在这台机器前：在机器上运行 `hashbus web code` 即可显示。',
  'setup.code': '验证码',
  'setup.password_hint': '至少 10 个字符',
  'setup.submit': '创建账户',
}
