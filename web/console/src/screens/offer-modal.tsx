import type { JSX } from 'preact';
import { money, phone, t } from '../i18n';
import type { OfferView } from '../protocol/types';
import { accept, decline, starting } from '../state/calls';
import { nameOf, ringing } from '../state/ringing';
import { liveCall, online } from '../state/store';
import { audioPossible } from '../state/tabs';
import { AlertDialog } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { Avatar, Badge, Button } from '../ui/parts';
import { useServerNow } from '../ui/time';
import { whyMe } from '../ui/words';

/** OfferModal shows the calls that ring for this agent, in every tab, until the server closes them or their time is up. */
export function OfferModal(): JSX.Element | null {
  const offers = ringing.value;
  const now = useServerNow(250, offers.length > 0);
  const first = offers[0];
  if (!first) return null;
  return (
    <AlertDialog labelledBy={`offer-${first.offer_id}`} describedBy={`why-${first.offer_id}`} testid="offer-modal">
      {offers.map((offer) => (
        <OfferCard key={offer.offer_id} offer={offer} now={now} />
      ))}
      {!audioPossible.value && (
        <p class="offer-note">
          <Icon name="speakerOff" size={16} />
          {t('offer.sound_blocked')}
        </p>
      )}
      {liveCall.value && <p class="offer-note">{t('offer.in_call')}</p>}
      {!online.value && (
        <p class="offer-note bad" role="status">
          {t('connection.lost_short')}
        </p>
      )}
    </AlertDialog>
  );
}

function OfferCard({ offer, now }: { offer: OfferView; now: number }): JSX.Element {
  const name = nameOf(offer.contact);
  const invite = offer.kind === 'invite';
  const busy = starting.value !== null;
  return (
    <article class="offer" data-testid="offer" data-offer-id={offer.offer_id} data-kind={offer.kind}>
      <div class="offer-head">
        <Avatar name={offer.contact.name} large />
        <div>
          <p class="offer-kind">{t(invite ? 'offer.kind_invite' : 'offer.kind_inbound')}</p>
          <h2 id={`offer-${offer.offer_id}`}>{name}</h2>
          <p class="muted tabular">
            {offer.contact.phone && offer.contact.name ? phone(offer.contact.phone) : offer.line.name}
          </p>
        </div>
        <Countdown offer={offer} now={now} />
      </div>
      <p class="why" id={`why-${offer.offer_id}`} data-testid="offer-why">
        {whyMe(offer)}
      </p>
      {offer.note && (
        <blockquote class="note" data-testid="offer-note">
          {offer.note}
        </blockquote>
      )}
      <OfferFacts offer={offer} />
      <div class="offer-actions">
        <Button
          tone="bad"
          icon="hangup"
          testid="offer-decline"
          disabled={!online.value || busy}
          onClick={() => void decline(offer)}
        >
          {t('offer.decline')}
        </Button>
        <Button
          tone="good"
          icon="phone"
          testid="offer-accept"
          disabled={!online.value || busy}
          onClick={() => void accept(offer)}
        >
          {t(invite ? 'offer.join' : 'offer.accept')}
        </Button>
      </div>
    </article>
  );
}

function OfferFacts({ offer }: { offer: OfferView }): JSX.Element {
  const contact = offer.contact;
  return (
    <ul class="offer-facts">
      {contact.order_no && (
        <li>
          <Badge>{t('contact.order', { no: contact.order_no })}</Badge>
        </li>
      )}
      {contact.quote_cents ? (
        <li>
          <Badge>{`${t('contact.quote')} ${money(contact.quote_cents)}`}</Badge>
        </li>
      ) : null}
      {contact.status && (
        <li>
          <Badge>{contact.status}</Badge>
        </li>
      )}
      {contact.assigned_name && (
        <li>
          <Badge>{`${t('contact.assigned')}: ${contact.assigned_name}`}</Badge>
        </li>
      )}
      <li>
        <Badge tone="outline">{offer.line.name}</Badge>
      </li>
    </ul>
  );
}

const circle = 2 * Math.PI * 20;

/** Countdown runs to the server's deadline by the server's clock. */
function Countdown({ offer, now }: { offer: OfferView; now: number }): JSX.Element {
  const end = Date.parse(offer.expires_at);
  const whole = Math.max(1, end - Date.parse(offer.created_at));
  const left = Math.max(0, end - now);
  const seconds = Math.ceil(left / 1000);
  const share = Math.min(1, left / whole);
  return (
    <span
      class="countdown"
      role="timer"
      aria-label={t('offer.seconds_left', { count: seconds })}
      data-testid="offer-countdown"
    >
      <svg width="48" height="48" viewBox="0 0 48 48" aria-hidden="true">
        <circle cx="24" cy="24" r="20" class="track" />
        <circle
          cx="24"
          cy="24"
          r="20"
          class="left"
          stroke-dasharray={String(circle)}
          stroke-dashoffset={String(circle * (1 - share))}
          transform="rotate(-90 24 24)"
        />
      </svg>
      <span class="tabular" aria-hidden="true">
        {seconds}
      </span>
    </span>
  );
}
