import '../../shared/css/tokens.css';
import '../../shared/css/base.css';
import './styles/parts.css';
import './styles/shell.css';
import './styles/conversation.css';
import './styles/call.css';
import { effect, untracked } from '@preact/signals';
import { type JSX, render } from 'preact';
import { Shell } from './screens/shell';
import { TokenScreen } from './screens/token';
import { watchCalls } from './state/calls';
import { watchDevices } from './state/devices';
import { watchNotices } from './state/notices';
import { watchRinging } from './state/ringing';
import { connect, disconnect } from './state/store';
import { joinTabs } from './state/tabs';
import { takeToken, token } from './state/token';
import { Announcer } from './ui/announce';

takeToken(); // before anything else: the token leaves the address at once
window.addEventListener('hashchange', () => {
  if (!location.hash.startsWith('#token=')) return;
  disconnect();
  takeToken();
  location.reload();
});

function App(): JSX.Element {
  return (
    <>
      {token.value ? <Shell /> : <TokenScreen />}
      <Announcer />
    </>
  );
}

// The page's own watchers run as long as the page.
joinTabs();
watchDevices();
watchNotices();
watchCalls();
watchRinging();
effect(() => {
  if (token.value) untracked(connect);
});

const root = document.getElementById('app');
if (root) render(<App />, root);
