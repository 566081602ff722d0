import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

// The page of the collector: the same parts as the page of a site, built into the collector's own package.
export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: '../../collector/hashbus_collector/static',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    rollupOptions: { input: 'fleet.html' },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8090' } },
})
