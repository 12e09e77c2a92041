import { defineConfig } from 'vite';
import { pageConfig } from './vite.shared.ts';

// The page is served at /phone/{wa_id}, its assets below /phone/.
export default defineConfig({ ...pageConfig('phone', '../sim/phone/dist'), base: '/phone/' });
