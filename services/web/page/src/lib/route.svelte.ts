/** Where in the page we are: the path of the address, so that every place can be linked, and Back works. */

export interface Place {
  path: string
  name: string
  id: string
  query: URLSearchParams
}

function here(): Place {
  const [name = '', ...rest] = location.pathname.split('/').filter(Boolean)
  const id = decodeURIComponent(rest.join('/'))
  return { path: location.pathname, name, id, query: new URLSearchParams(location.search) }
}

class Route {
  place = $state.raw<Place>(here())

  constructor() {
    addEventListener('popstate', () => (this.place = here()))
  }

  go(path: string, replace = false): void {
    if (path === location.pathname + location.search) return
    if (replace) history.replaceState(null, '', path)
    else history.pushState(null, '', path)
    this.place = here()
    if (!replace) scrollTo(0, 0)
  }
}

export const route = new Route()

/** An action for `<a>`: ordinary clicks stay inside the page, with Ctrl or a middle button they open as always. */
export function link(node: HTMLAnchorElement): { destroy(): void } {
  function follow(event: MouseEvent): void {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    route.go(node.pathname + node.search)
  }
  node.addEventListener('click', follow)
  return { destroy: () => node.removeEventListener('click', follow) }
}
