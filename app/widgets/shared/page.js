/** What the widgets of one page share: where the studio is, messages to each other, small things to remember. */

/** The full address of one of the studio's own paths, also behind a proxy that serves it below a folder. */
function address(path) {
  const root = window.gradio_config?.root || new URL(document.baseURI).origin;
  return root.replace(/\/+$/, "") + path;
}

/** Tell the other widgets of this page that something happened. */
function announce(what, detail = {}) {
  document.dispatchEvent(new CustomEvent(`stf2m:${what}`, { detail }));
}

/** Listen to the other widgets of this page until `life` ends. */
function hear(what, life, listener) {
  document.addEventListener(`stf2m:${what}`, (event) => listener(event.detail), { signal: life });
}

/** The life of a widget: a second one of the same name, after the page was rendered anew, ends the first one's. */
function lifeOf(name) {
  const key = Symbol.for(`stf2m.${name}`);
  document[key]?.abort();
  document[key] = new AbortController();
  return document[key].signal;
}

/** A value remembered in this browser, or `otherwise` where there is none or the browser keeps nothing. */
function recall(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(`stf2m.${key}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Remember a value in this browser, or forget it where it is null; false where the browser keeps nothing. */
function remember(key, value) {
  try {
    if (value === null) localStorage.removeItem(`stf2m.${key}`);
    else localStorage.setItem(`stf2m.${key}`, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** The keys of all remembered values that start so. */
function remembered(start) {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(`stf2m.${start}`));
    return keys.map((key) => key.slice("stf2m.".length));
  } catch {
    return [];
  }
}

/** `ask` run one at a time: of what is asked for meanwhile, only the last is asked then. */
function latest(ask) {
  let [asking, next] = [false, null];
  return async (...what) => {
    next = what;
    if (asking) return;
    asking = true;
    try {
      while (next) {
        const now = next;
        next = null;
        await ask(...now);
      }
    } finally {
      asking = false;
    }
  };
}

/** A name for this browser tab that a reload does not change. */
function tabName() {
  const fresh = randomName();
  try {
    const name = sessionStorage.getItem("stf2m.tab") || fresh;
    sessionStorage.setItem("stf2m.tab", name);
    return name;
  } catch {
    return fresh;
  }
}

/** A name that nothing else has. */
function randomName() {
  return crypto.getRandomValues(new Uint32Array(2)).join("-");
}

/** Change one parameter of the page's address without loading it again; null takes it away. */
function setAddress(name, value) {
  const here = new URL(location.href);
  if (value === null) here.searchParams.delete(name);
  else here.searchParams.set(name, value);
  history.replaceState(history.state, "", here);
}
