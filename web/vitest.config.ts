import { defineConfig } from 'vitest/config';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  test: {
    include: ['console/**/*.test.{ts,tsx}', 'phone/**/*.test.{ts,tsx}', 'shared/**/*.test.{ts,tsx}'],
    environment: 'node', // a test that needs a document says so in its first line
    env: { TZ: 'America/Sao_Paulo' },
    restoreMocks: true,
  },
});
