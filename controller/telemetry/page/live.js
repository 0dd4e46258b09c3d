'use strict';
// Follows /events. Each message says that something changed; the document is then fetched again and the parts that differ
// are put in place. Silence for 5 s (the daemon speaks every second) or a lost stream is said in large letters.
(() => {
  const silenceMs = 5000;
  const parts = ['top', 'attention', 'services', 'circuits', 'detection', 'carriers', 'people', 'incidents', 'events-section', 'foot'];
  let heard = Date.now();
  let stream = null;
  let fetching = false;
  let again = false;

  const showLive = (live) => {
    const ago = Math.round((Date.now() - heard) / 1000);
    const why = 'What you see is ' + ago + ' s old. The daemon or the way to it does not answer; trying again.';
    document.getElementById('notlive').hidden = live;
    document.getElementById('notlive-why').textContent = live ? '' : why;
    document.body.classList.toggle('stale', !live);
  };

  const put = (fresh) => {
    for (const id of parts) {
      const now = document.getElementById(id);
      const next = fresh.getElementById(id);
      if (!now || !next || now.innerHTML === next.innerHTML) continue;
      // The headline keeps its element, so that a screen reader hears a change of it, and only that.
      const headline = now.querySelector('h1');
      const said = next.querySelector('h1');
      if (headline && said) {
        if (headline.textContent !== said.textContent) headline.textContent = said.textContent;
        now.firstElementChild.className = next.firstElementChild.className;
        now.querySelector('.facts').replaceChildren(...next.querySelector('.facts').childNodes);
        continue;
      }
      now.replaceChildren(...next.childNodes);
    }
    document.title = fresh.title;
  };

  const refresh = async () => {
    if (fetching) {
      again = true;
      return;
    }
    fetching = true;
    try {
      const answer = await fetch('/', {cache: 'no-store', signal: AbortSignal.timeout(silenceMs)});
      if (answer.ok) {
        put(new DOMParser().parseFromString(await answer.text(), 'text/html'));
        heard = Date.now();
        showLive(true);
      }
    } catch (lost) {
      // The tick below says so when it lasts.
    }
    fetching = false;
    if (again) {
      again = false;
      refresh();
    }
  };

  const listen = () => {
    stream = new EventSource('/events');
    stream.addEventListener('status', refresh);
    stream.addEventListener('event', refresh);
    stream.onerror = () => showLive(false);
  };

  listen();
  setInterval(() => {
    if (stream.readyState === EventSource.CLOSED) listen();  // an answer that was no stream ends it for good
    if (Date.now() - heard > silenceMs) showLive(false);
  }, 1000);
})();
