// The status page: reads /metrics once a second and shows carriers and queues.
const rows = (id, list) => {
  const body = document.getElementById(id);
  body.replaceChildren(...list.map((cells) => {
    const tr = document.createElement('tr');
    for (const [text, kind] of cells) {
      const td = document.createElement('td');
      td.textContent = text;
      if (kind) td.className = kind;
      tr.append(td);
    }
    return tr;
  }));
};

// parse yields {name, labels, value} of the Prometheus text format.
const parse = (text) => text.split('\n').filter((l) => l && l[0] !== '#').map((line) => {
  const [, name, labels, value] = line.match(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/) || [];
  const of = {};
  for (const [, k, v] of (labels || '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) of[k] = v;
  return { name, labels: of, value: Number(value) };
});

const sum = (all, name, match) => all
  .filter((m) => m.name === name && Object.entries(match).every(([k, v]) => m.labels[k] === v))
  .reduce((n, m) => n + m.value, 0);

const show = (all) => {
  const binds = all.filter((m) => m.name === 'bindery_bind_up');
  const carriers = [...new Set(binds.map((m) => m.labels.carrier))].sort();
  rows('carriers', carriers.map((carrier) => {
    const up = sum(all, 'bindery_bind_up', { carrier });
    const of = binds.filter((m) => m.labels.carrier === carrier).length;
    const n = (name, status) => [sum(all, name, { carrier, status }).toLocaleString(), 'n'];
    return [[carrier], [`${up} of ${of}`, up < of ? 'n down' : 'n'], [sum(all, 'bindery_window_in_use', { carrier }).toLocaleString(), 'n'],
      n('bindery_submits_total', 'ok'), n('bindery_submits_total', 'throttled'), n('bindery_submits_total', 'permanent'),
      n('bindery_receipts_total', 'delivered'), n('bindery_receipts_total', 'undelivered')];
  }));
  const order = ({ labels }) => `${labels.route} ${['urgent', 'normal', 'bulk'].indexOf(labels.priority)}`;
  const queues = all.filter((m) => m.name === 'bindery_queue_depth').sort((a, b) => (order(a) < order(b) ? -1 : 1));
  rows('queues', queues.map(({ labels, value }) => {
    const oldest = sum(all, 'bindery_queue_oldest_seconds', labels);
    return [[labels.route], [labels.priority], [value.toLocaleString(), 'n'], [value ? `${oldest.toFixed(1)} s` : '–', 'n']];
  }));
};

const state = document.getElementById('state');
const tell = (text, good) => { state.textContent = text; state.className = good ? 'good' : 'bad'; };

const look = async () => {
  try {
    const [ready, metrics] = await Promise.all([fetch('/readyz'), fetch('/metrics')]);
    if (metrics.ok) show(parse(await metrics.text()));
    tell(ready.ok ? 'ready' : 'not ready: Redis does not answer', ready.ok);
  } catch {
    tell('the gateway does not answer', false);
  }
  setTimeout(look, 1000);
};
look();
