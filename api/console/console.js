// The status page. Once a second it reads /metrics and, with a session,
// /v1/carriers and /v1/queues; the account's events come by /v1/status. All
// text is set as text: numbers, references and error texts are from elsewhere.
const $ = (id) => document.getElementById(id);

// rows fills a table's body. A cell has its heading with it, for narrow windows.
const rows = (id, list) => {
  const heads = [...$(id).parentElement.tHead.rows[0].cells].map((th) => th.textContent);
  $(id).replaceChildren(...list.map((cells) => {
    const tr = document.createElement('tr');
    cells.forEach(([text, kind], i) => {
      const td = document.createElement('td');
      td.textContent = text;
      td.dataset.head = heads[i];
      if (kind) td.className = kind;
      tr.append(td);
    });
    return tr;
  }));
};
const n = (value) => [value.toLocaleString(), 'n'];

// parse yields {name, labels, value} of the Prometheus text format.
const parse = (text) => text.split('\n').filter((l) => l && l[0] !== '#').map((line) => {
  const [, name, labels, value] = line.match(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/) || [];
  const of = {};
  for (const [, k, v] of (labels || '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) of[k] = v;
  return { name, labels: of, value: Number(value) };
});

const sum = (all, name, match) => all
  .filter((m) => m.name === name && Object.entries(match).every(([k, v]) => m.labels[k] === v))
  .reduce((total, m) => total + m.value, 0);

// seen makes carriers of the metrics: all that is known without a session.
const seen = (all) => {
  const binds = all.filter((m) => m.name === 'bindery_bind_up');
  return [...new Set(binds.map((m) => m.labels.carrier))].map((id) => ({
    id, binds: binds.filter((m) => m.labels.carrier === id).length, binds_up: sum(all, 'bindery_bind_up', { carrier: id }),
    window_in_use: sum(all, 'bindery_window_in_use', { carrier: id }),
  }));
};

const waiting = (all) => all.filter((m) => m.name === 'bindery_queue_depth')
  .map(({ labels, value }) => ({ ...labels, depth: value, oldest_seconds: sum(all, 'bindery_queue_oldest_seconds', labels) }))
  .sort((a, b) => a.route.localeCompare(b.route) || ['urgent', 'normal', 'bulk'].indexOf(a.priority) - ['urgent', 'normal', 'bulk'].indexOf(b.priority));

const showCarriers = (list, all) => rows('carriers', list.map((c) => {
  const count = (name, status) => n(sum(all, name, { carrier: c.id, status }));
  const state = c.state || (c.binds_up ? 'up' : 'down');
  const rate = c.rate === undefined ? '–' : `${Math.round(c.present_rate || c.rate).toLocaleString()}${c.rate ? ` of ${c.rate.toLocaleString()}` : ''}/s`;
  return [[c.id], [c.silent ? `${state}, silent` : state, state === 'up' && !c.silent ? 'good' : 'bad'],
    [`${c.binds_up} of ${c.binds}`, c.binds_up < c.binds ? 'n bad' : 'n'],
    [c.window ? `${c.window_in_use} of ${c.window * c.binds}` : c.window_in_use, 'n'], [c.rate === 0 && !c.present_rate ? 'no limit' : rate, 'n'],
    count('bindery_submits_total', 'ok'), count('bindery_submits_total', 'throttled'), count('bindery_submits_total', 'permanent'),
    count('bindery_receipts_total', 'delivered'), count('bindery_receipts_total', 'undelivered')];
}));

const showQueues = (list) => rows('queues', list.map((q) => [[q.route], [q.priority], n(q.depth), [q.depth ? `${q.oldest_seconds.toFixed(1)} s` : '–', 'n']]));

// Events: the last ones stand in the table, drawn once a frame however many come.
const kept = 20;
let last = [];
let came = [];
let drawing = false;

const drawEvents = () => {
  drawing = false;
  $('none').hidden = last.length > 0;
  rows('last', last.map((e) => [[new Date(e.at).toLocaleTimeString()], [e.to], [e.late ? `${e.status}, late` : e.status, { delivered: 'good', submitted: '' }[e.status] ?? 'bad'],
    [e.carrier || '–'], [e.error ? `${e.error.code} ${e.error.message || ''}` : '']]));
};

const listen = () => {
  const stream = new EventSource('/v1/status');
  stream.onmessage = ({ data }) => {
    last = [JSON.parse(data), ...last].slice(0, kept);
    came.push(Date.now());
    if (!drawing) {
      drawing = true;
      requestAnimationFrame(drawEvents);
    }
  };
};

const showPace = () => {
  came = came.filter((at) => at > Date.now() - 1000);
  $('pace').textContent = came.length ? `${came.length.toLocaleString()} in the last second` : '';
};

const json = async (path) => {
  const answer = await fetch(path);
  return answer.ok ? answer.json() : undefined;
};

const tell = (text, good) => { $('state').textContent = text; $('state').className = good ? 'good' : 'bad'; };

// account is who is logged in: undefined until it is known, null for nobody. A
// login loads the page anew.
let account;
const enter = (who) => {
  if (account && who) return;
  if (account) { location.reload(); return; } // logged out elsewhere, or the gateway began anew
  account = who;
  $('login').hidden = Boolean(who);
  if (!who) return;
  $('account').textContent = who.id;
  $('who').hidden = $('events').hidden = false;
  listen();
};

const look = async () => {
  try {
    const [ready, metrics, who] = await Promise.all([fetch('/readyz'), fetch('/metrics'), account === null ? undefined : fetch('/v1/account')]);
    if (who?.ok || who?.status === 401) enter(who.ok ? await who.json() : null);
    if (metrics.ok) {
      const all = parse(await metrics.text());
      const [carriers, queues] = account?.admin ? await Promise.all([json('/v1/carriers'), json('/v1/queues')]) : [];
      showCarriers(carriers?.carriers ?? seen(all), all);
      showQueues(queues?.queues ?? waiting(all));
    }
    showPace();
    tell(ready.ok ? 'ready' : 'not ready: Redis does not answer', ready.ok);
  } catch {
    tell('the gateway does not answer', false);
  }
  setTimeout(look, 1000);
};

$('logout').onclick = async () => {
  await fetch('/logout', { method: 'POST' });
  location.reload();
};
look();
