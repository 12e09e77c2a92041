import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n';
import type { MessageOf } from '../protocol/types';
import { Phone } from '../state/phone';
import { CallScreen } from './call';
import { ChatScreen } from './chat';
import { ClosedSheet } from './closed';
import { PhoneContext, since, usePhone } from './context';
import { ChatList } from './list';
import { ListSheet } from './listcard';
import { ConnectionBar, NoticeBar } from './parts';
import { ProfileScreen } from './profile';

/** PhoneApp is the phone of one customer: the frame, the element that plays the call, and the screens. */
export function PhoneApp({ userKey }: { userKey: string }): JSX.Element {
  const ear = useRef<HTMLAudioElement>(null);
  const [phone, setPhone] = useState<Phone | undefined>(undefined);
  useEffect(() => {
    if (!ear.current) return;
    const made = new Phone(userKey, ear.current);
    setPhone(made);
    return () => made.close();
  }, [userKey]);
  return (
    <div class="desk">
      {/* biome-ignore lint/a11y/useMediaCaption: it is the live voice of a call */}
      <audio ref={ear} autoplay data-testid="remote-audio" />
      <div class="case">
        {phone && (
          <PhoneContext.Provider value={phone}>
            <Screens />
          </PhoneContext.Provider>
        )}
      </div>
    </div>
  );
}

function Screens(): JSX.Element {
  const phone = usePhone();
  useTitle(phone);
  const call = phone.call.value;
  const callUp = call !== undefined && !(phone.minimized.value && call.phase !== 'ended' && call.phase !== 'ringing');
  const closed = phone.chats.value.find((chat) => chat.pnid === phone.closedChat.value);
  const list = phone.chat.value?.messages.find(
    (message): message is MessageOf<'list'> => message.kind === 'list' && message.id === phone.openList.value,
  );
  return (
    <>
      <div
        class="screen"
        data-testid="phone"
        data-connection={phone.connection.value}
        inert={callUp || closed !== undefined || list !== undefined}
      >
        <ConnectionBar />
        {!phone.state.value ? <Waiting /> : <Place />}
      </div>
      {closed && !callUp && <ClosedSheet chat={closed} />}
      {list && !callUp && <ListSheet message={list} />}
      {call && callUp && <CallScreen key={call.id} call={call} />}
      <NoticeBar />
    </>
  );
}

function Place(): JSX.Element {
  const phone = usePhone();
  const { screen } = phone.route.value;
  const chat = phone.chat.value;
  if (!chat || screen === 'list') return <ChatList />;
  return screen === 'profile' ? <ProfileScreen chat={chat} /> : <ChatScreen key={chat.pnid} chat={chat} />;
}

function Waiting(): JSX.Element {
  const phone = usePhone();
  if (phone.connection.value === 'unknown_user') {
    return (
      <main class="empty" data-testid="unknown-user">
        <h1>{t('connection.unknown')}</h1>
        <p class="soft">{t('connection.unknownHint', { key: phone.key })}</p>
        <a class="button" href={import.meta.env.BASE_URL}>
          {t('connection.others')}
        </a>
      </main>
    );
  }
  return (
    <main class="empty">
      <h1 class="sr-only">{t('app.name')}</h1>
      <p class="soft" role="status">
        {t('connection.connecting')}
      </p>
    </main>
  );
}

// useTitle says in the browser's tab what happens on the phone.
function useTitle(phone: Phone): void {
  const call = phone.call.value;
  const user = phone.state.value?.user.name ?? t('app.name');
  let title = t('app.title', { name: user });
  if (call?.phase === 'ringing' && call.direction === 'incoming') title = t('app.titleRinging', { name: call.name });
  else if (call?.phase === 'connected' && call.connected_at) {
    title = t('app.titleTalking', { time: since(call.connected_at), name: call.name });
  } else if (phone.unread.value > 0) title = t('app.titleUnread', { count: phone.unread.value, name: user });
  useEffect(() => {
    document.title = title;
  }, [title]);
}
