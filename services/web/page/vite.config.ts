import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

// What is built lands in the Python package and travels inside its wheel. Nothing is inlined: the service sends pages
// under a policy that allows files of its own only.
export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: '../hashbus_web/static',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
})
