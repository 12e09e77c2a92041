// Whole-system tests: the pages in real Chromium processes, `ramal dev` behind them, and the sound measured at every ear.
// `npm run test:e2e`; RAMAL_BIN names the binary (default ../bin/ramal), E2E_ONLY picks scenarios by words of their name,
// E2E_PICTURE is a folder for the picture of a call.
import './cases/settings.mjs'; // first: a line that was just made must take its settings at once
import './cases/permission.mjs';
import './cases/calls.mjs';
import './cases/conference.mjs';
import './cases/resilience.mjs';
import './cases/look.mjs';
