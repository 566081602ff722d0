/** Questions and orders to the service: one form of error, and a login that renews itself once. */

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null = null,
    readonly hint: string | null = null,
  ) {
    super(message)
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

let renewal: Promise<boolean> | null = null
let onSignedOut: () => void = () => {}

/** Tells what is to happen when the login has ended for good. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act
}

export async function ask<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let reply = await send(method, path, body, signal)
  if (reply.status === 401 && !path.startsWith('/api/auth/') && (await renewed())) {
    reply = await send(method, path, body, signal)
  }
  if (reply.ok) return (reply.status === 204 ? undefined : await reply.json()) as T
  const error = await problem(reply)
  if (error.code === 'not_signed_in' && !path.startsWith('/api/auth/')) onSignedOut()
  throw error
}

export const get = <T>(path: string, signal?: AbortSignal) => ask<T>('GET', path, undefined, signal)
export const post = <T>(path: string, body: unknown = {}) => ask<T>('POST', path, body)
export const put = <T>(path: string, body: unknown) => ask<T>('PUT', path, body)
export const patch = <T>(path: string, body: unknown) => ask<T>('PATCH', path, body)
export const remove = (path: string) => ask<void>('DELETE', path)

/** Renews the login; several who notice its end at once share one renewal. */
export function renewed(): Promise<boolean> {
  renewal ??= send('POST', '/api/auth/refresh', {})
    .then((reply) => reply.ok)
    .catch(() => false)
    .finally(() => (renewal = null))
  return renewal
}

async function send(method: Method, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (method !== 'GET') headers['X-Hashbus'] = 'page'
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  const init: RequestInit = { method, headers, credentials: 'same-origin' }
  if (body !== undefined) init.body = JSON.stringify(body)
  if (signal) init.signal = signal
  try {
    return await fetch(path, init)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiError(0, 'unreachable', '')
  }
}

async function problem(reply: Response): Promise<ApiError> {
  try {
    const told = await reply.json()
    return new ApiError(reply.status, told.code ?? 'unknown', told.error ?? reply.statusText, told.field, told.hint)
  } catch {
    return new ApiError(reply.status, 'unknown', reply.statusText || `HTTP ${reply.status}`)
  }
}
