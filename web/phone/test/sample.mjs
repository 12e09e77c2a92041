// A phone with one business and a message of every kind.
import { at, minute } from './fake-server.mjs';

const day = 24 * 60 * minute;

export function sample() {
  let n = 0;
  const from = (who, ago, body) => ({ id: `wamid.${++n}/+=`, at: at(-ago), from: who, ...body });
  const business = (ago, body) => from('business', ago, body);
  const user = (ago, body) => from('user', ago, { status: 'read', ...body });
  return {
    now: at(),
    user: {
      key: '5511987654321',
      wa_id: '5511987654321',
      user_id: 'BR.1A2b3C',
      name: 'Ana Souza',
      username: 'ana.souza',
    },
    chats: [
      {
        pnid: '106540352242922',
        name: 'Farmácia Boa Saúde',
        display_phone_number: '+55 11 4002-8922',
        access: { icon: true, open: true, timezone: 'America/Sao_Paulo' },
        permission: { status: 'no_permission' },
        unread: 2,
        messages: [
          user(2 * day, { kind: 'text', text: 'Oi, meu pedido já saiu?' }),
          business(2 * day - minute, {
            kind: 'text',
            text: 'Bom dia, Ana! Acompanhe em https://example.com/pedido/991 ou ligue: https://wa.me/call/551140028922?biz_payload=pedido-991',
          }),
          business(day, {
            kind: 'template',
            name: 'entrega',
            header: 'Pedido 991',
            text: 'Sua entrega está agendada para amanhã, entre 9h e 12h.',
            footer: 'Farmácia Boa Saúde',
            actions: [
              { type: 'reply', id: 'ok', title: 'Confirmar' },
              { type: 'link', title: 'Ver o pedido', url: 'https://example.com/pedido/991' },
              { type: 'call', title: 'Ligar agora', expires: at(2 * day), expired: false },
            ],
          }),
          business(5 * 60 * minute, {
            kind: 'buttons',
            text: 'O endereço está certo?',
            buttons: [
              { id: 'yes', title: 'Sim' },
              { id: 'no', title: 'Não' },
            ],
            pressed: 'yes',
          }),
          user(5 * 60 * minute - 1000, { kind: 'reply', text: 'Sim', reply_to: 'wamid.4/+=' }),
          business(4 * 60 * minute, {
            kind: 'list',
            text: 'Sobre o que quer falar?',
            button: 'Ver assuntos',
            sections: [
              {
                title: 'Pedidos',
                rows: [
                  { id: 'late', title: 'Atraso', description: 'Meu pedido não chegou' },
                  { id: 'swap', title: 'Troca' },
                ],
              },
              { title: 'Outros', rows: [{ id: 'other', title: 'Outro assunto' }] },
            ],
          }),
          from('system', 3 * 60 * minute, { kind: 'call', call_id: 'a', direction: 'incoming', outcome: 'no_answer' }),
          from('system', 2 * 60 * minute, {
            kind: 'call',
            call_id: 'b',
            direction: 'outgoing',
            outcome: 'completed',
            duration_s: 200,
          }),
          from('system', 100 * minute, { kind: 'system', code: 'permission_suggest' }),
          business(90 * minute, {
            kind: 'link',
            text: 'Receita digital',
            button: 'Enviar receita',
            url: 'https://example.com/receita',
          }),
          business(80 * minute, { kind: 'something_new' }),
          business(30 * minute, {
            kind: 'voice_call',
            text: 'Precisa de ajuda com o pedido?',
            button: 'Ligar agora',
            expires: at(-minute),
            expired: true,
          }),
          business(20 * minute, {
            kind: 'voice_call',
            text: 'Fale com a farmácia.',
            button: 'Ligar agora',
            expires: at(14 * minute),
            expired: false,
          }),
          business(10 * minute, {
            kind: 'permission_request',
            text: 'Podemos ligar para confirmar a entrega?',
            answerable: true,
          }),
        ],
      },
    ],
    calls: [],
  };
}
