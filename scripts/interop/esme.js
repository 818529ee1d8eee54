// An ESME built on the npm package smpp: binds to the port given as a
// transceiver, or with "pair" as a transmitter and a receiver, submits the texts
// given as JSON, asks for a sign of life, waits for a receipt of each and
// unbinds. One JSON line to stdout for each thing that happens.
const smpp = require('smpp');
const [port, kind, texts] = [Number(process.argv[2]), process.argv[3], JSON.parse(process.argv[4])];
const password = process.argv[5] || 'secret';
const say = (o) => console.log(JSON.stringify(o));

const open = (mode) => new Promise((resolve, reject) => {
  const session = smpp.connect({ url: `smpp://127.0.0.1:${port}` }, () => {
    session[`bind_${mode}`]({ system_id: 'npm', password }, (pdu) => {
      say({ bind: mode, status: pdu.command_status, smsc: pdu.system_id, version: pdu.sc_interface_version });
      if (pdu.command_status === 0) resolve(session);
      else reject(new Error('refused'));
    });
  });
  session.on('error', (e) => { say({ error: String(e) }); reject(e); });
  session.on('enquire_link', (pdu) => { say({ asked: mode }); session.send(pdu.response()); });
  session.on('deliver_sm', (pdu) => {
    session.send(pdu.response());
    say({ receipt: pdu.short_message.message, on: mode, esm_class: pdu.esm_class });
    got += 1;
    if (got === texts.length) done();
  });
});
let got = 0;
let done;
const all = new Promise((resolve) => { done = resolve; });

(async () => {
  const sessions = kind === 'pair' ? [await open('transmitter'), await open('receiver')] : [await open('transceiver')];
  for (const text of texts) {
    await new Promise((resolve) => sessions[0].submit_sm(
      { source_addr: '1544', destination_addr: '821012345678', short_message: text, registered_delivery: 1 },
      (pdu) => { say({ submit: pdu.message_id, status: pdu.command_status }); resolve(); },
    ));
  }
  await all;
  for (const session of sessions) {
    await new Promise((resolve) => session.enquire_link({}, (pdu) => { say({ alive: pdu.command_status }); resolve(); }));
    await new Promise((resolve) => session.unbind({}, (pdu) => { say({ unbound: pdu.command_status }); resolve(); }));
    session.close();
  }
})().catch(() => process.exit(1));
