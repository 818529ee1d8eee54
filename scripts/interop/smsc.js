// A carrier built on the npm package smpp: answers ids in hex, reports in
// decimal, writes one JSON line a submit_sm to stdout. Port 0: any.
const smpp = require('smpp');
let next = 0x1a2b3c00;
const server = smpp.createServer((session) => {
  session.on('error', () => {});
  session.on('bind_transceiver', (pdu) => {
    const ok = pdu.system_id === 'bindery' && pdu.password === 'secret';
    session.send(pdu.response({ command_status: ok ? 0 : smpp.ESME_RBINDFAIL, system_id: 'npm' }));
  });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    console.log(JSON.stringify({ unbind: true }));
    session.send(pdu.response());
    session.close();
  });
  session.on('submit_sm', (pdu) => {
    const id = next++;
    session.send(pdu.response({ message_id: id.toString(16).toUpperCase().padStart(10, '0') }));
    const sm = pdu.short_message;
    console.log(JSON.stringify({
      id, from: pdu.source_addr, to: pdu.destination_addr, data_coding: pdu.data_coding, esm_class: pdu.esm_class,
      udh: sm.udh ? sm.udh.map((e) => (Buffer.isBuffer(e) ? e.toString('hex') : e)) : null,
      text: typeof sm.message === 'string' ? sm.message : null,
    }));
    session.deliver_sm({
      source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4,
      short_message: `id:${String(id).padStart(10, '0')} sub:001 dlvrd:001 submit date:2611250900 done date:2611250901 stat:DELIVRD err:000 text:`,
    });
  });
});
server.listen(Number(process.argv[2] || 0), '127.0.0.1', function () {
  console.log(JSON.stringify({ port: server.address().port }));
});
