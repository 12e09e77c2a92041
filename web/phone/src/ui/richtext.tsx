import type { JSX } from 'preact';
import { callLink, pieces } from '../state/links';
import { usePhone } from './context';

/** RichText shows a text with its web links; a call link to a business of this phone calls it. */
export function RichText({ text }: { text: string }): JSX.Element {
  const phone = usePhone();
  return (
    <p class="text">
      {pieces(text).map((piece, index) => {
        if (piece.kind === 'text') return piece.text;
        const call = callLink(piece.url, phone.chats.value);
        const key = `${index} ${piece.url}`;
        return call ? (
          <button
            type="button"
            class="text-link"
            key={key}
            onClick={() => phone.callBusiness(call.pnid, call.payload)}
            data-testid="call-link"
          >
            {piece.text}
          </button>
        ) : (
          <a key={key} href={piece.url} target="_blank" rel="noopener noreferrer">
            {piece.text}
          </a>
        );
      })}
    </p>
  );
}
