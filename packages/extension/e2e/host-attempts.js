/**
 * A script for the page that hosts vats, read as text by isolation.test.ts. What
 * somebody would try who got code into that page. Each attempt has an address of
 * its own, so that whoever is asked can tell what has come through.
 */
globalThis.tryFromPage = async http => {
  const urlOf = name => `${http}?${encodeURIComponent(name)}`;
  const violations = {};
  addEventListener(
    'securitypolicyviolation',
    ({ effectiveDirective: name }) => {
      violations[name] = (violations[name] ?? 0) + 1;
    },
  );
  const violated = directive =>
    new Promise(resolve => {
      addEventListener('securitypolicyviolation', event => {
        if (event.effectiveDirective === directive) resolve();
      });
    });
  const settled = (target, good) =>
    new Promise((resolve, reject) => {
      target.addEventListener(good, () => resolve(good));
      target.addEventListener('error', () => reject(new Error('error event')));
    });
  const put = (tag, fields, parent = document.body) => {
    const element = Object.assign(document.createElement(tag), fields);
    parent.append(element);
    return element;
  };
  const loaded = (tag, fields, good = 'load') =>
    settled(put(tag, fields), good);
  const link = (rel, more) => url => {
    put('link', { rel, href: url, ...more }, document.head);
  };
  const sheet = text => {
    const made = new CSSStyleSheet();
    made.replaceSync(text);
    document.adoptedStyleSheets.push(made);
  };
  const click = fields => url => put('a', { href: url, ...fields }).click();
  const submit = target => url => {
    put('iframe', { name: target });
    put('form', { action: url, method: 'post', target }).submit();
  };

  const attempts = {
    fetch: url => fetch(url),
    'fetch no-cors': url => fetch(url, { mode: 'no-cors' }),
    'fetch keepalive': url => fetch(url, { keepalive: true, method: 'POST' }),
    'fetch of an inner frame': url => put('iframe').contentWindow.fetch(url),
    XMLHttpRequest: url => {
      const request = new XMLHttpRequest();
      request.open('GET', url);
      request.send();
      return settled(request, 'load');
    },
    sendBeacon: url => navigator.sendBeacon(url, 'x'),
    WebSocket: url =>
      settled(new WebSocket(url.replace('http', 'ws')), 'message'),
    EventSource: url => settled(new EventSource(url), 'open'),
    img: url => loaded('img', { src: url }),
    'image of a style': url => {
      sheet(`body { background: url("${url}") }`);
      return document.body.offsetWidth;
    },
    FontFace: url => new FontFace('rogue', `url("${url}")`).load(),
    video: url => loaded('video', { src: url }, 'loadeddata'),
    script: url => loaded('script', { src: url }),
    'import()': url => import(url),
    stylesheet: url =>
      settled(
        put('link', { rel: 'stylesheet', href: url }, document.head),
        'load',
      ),
    prefetch: link('prefetch'),
    preload: link('preload', { as: 'script' }),
    // It is looked at when the page is drawn anew.
    object: url =>
      Promise.race([loaded('object', { data: url }), violated('object-src')]),
    Worker: url => void new Worker(url),
    worklet: url => CSS.paintWorklet.addModule(url),
    form: submit('inner'),
    'form to a new window': submit('_blank'),
    link: click({ target: '_blank' }),
    popup: url => {
      if (open(url) === null) throw new Error('no window');
    },
  };

  const results = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      await attempt(urlOf(name));
      results[name] = 'tried';
    } catch (problem) {
      results[name] = `refused: ${problem.name}`;
    }
  }
  // Violations are told by tasks of their own.
  await new Promise(resolve => setTimeout(resolve));
  results.violations = Object.entries(violations)
    .sort()
    .map(each => each.join(' '))
    .join(', ');
  return results;
};

/** Has a server be asked to relay, by TCP; resolves when it has been tried. */
globalThis.tryWebRTC = async http => {
  const urls = `turn:${new URL(http).host}?transport=tcp`;
  const peer = new globalThis.RTCPeerConnection({
    iceServers: [{ urls, username: 'rogue', credential: 'rogue' }],
  });
  peer.createDataChannel('rogue');
  const gathered = new Promise(resolve => {
    peer.onicecandidate = ({ candidate }) => candidate ?? resolve();
  });
  await peer.setLocalDescription(await peer.createOffer());
  await gathered;
};
