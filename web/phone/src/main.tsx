import { render } from 'preact';
import '../../shared/css/tokens.css';
import '../../shared/css/base.css';
import './css/phone.css';
import './css/bars.css';
import './css/places.css';
import './css/chat.css';
import './css/call.css';
import { keyOfPath } from './state/route';
import { PhoneApp } from './ui/app';
import { StartPage } from './ui/start';

const key = keyOfPath(location.pathname, import.meta.env.BASE_URL);
const root = document.getElementById('app');
if (root) render(key ? <PhoneApp userKey={key} /> : <StartPage />, root);
