// bridge.js in a stand-in for a page: what the bridge touches of a browser, and a loader that behaves as Livechatoo's
// documentation says. `node livechatoo_bridge_test.js`; exits 1 when a test fails.
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");

const file = path.join(__dirname, "../../../src/systems/livechatoo/bridge.js");
const settings = { source: "shop", account: "shop", hook: "/hooks/shop" };
const text = fs.readFileSync(file, "utf8").replace('"@chatrelay_settings@"', JSON.stringify(settings));

class Storage {
  constructor() {
    this.kept = new Map();
  }
  getItem(key) {
    return this.kept.has(key) ? this.kept.get(key) : null;
  }
  setItem(key, value) {
    this.kept.set(key, String(value));
  }
}

// What a page is to the bridge. `options`: storage (null: forbidden), statuses (of the relay's answers, in order;
// "fails" for none), cut (their bodies fail), keepalive, beacon (false: refused), referrer, url.
function page(options = {}) {
  const storage = options.storage === undefined ? new Storage() : options.storage;
  const statuses = options.statuses || [];
  const p = { fetches: [], read: 0, beacons: [], timers: [], listeners: {}, now: options.now || 1000000 };
  const window = {};
  const globals = {
    window,
    document: {
      title: "Basket",
      referrer: "https://search.example/",
      currentScript: { src: "https://relay.example/x/livechatoo/bridge.js?source=shop" }
    },
    location: { href: options.url || "https://shop.example/basket" },
    navigator: { userAgent: "Stand-in/1.0", sendBeacon: (url, blob) => options.beacon !== false && p.beacons.push({ url, blob }) > 0 },
    Request: function () {},
    Blob: function (parts, about) {
      this.text = parts.join("");
      this.type = about.type;
    },
    URL,
    Date: { now: () => p.now },
    setTimeout: (run, ms) => p.timers.push({ run, ms }),
    clearTimeout: (id) => (p.timers[id - 1].run = () => {}),
    addEventListener: (name, run) => (p.listeners[name] = p.listeners[name] || []).push(run),
    fetch: (url, init) => {
      p.fetches.push({ url, init, body: JSON.parse(init.body) });
      const status = statuses.length ? statuses.shift() : 200;
      if (status === "throws") throw new TypeError("blocked");
      if (status === "fails") return Promise.reject(new TypeError("no network"));
      const read = () => ((p.read += 1), options.cut ? Promise.reject(new TypeError("cut off")) : Promise.resolve(""));
      return Promise.resolve({ status, headers: { get: () => options.retry_after || null }, text: read });
    }
  };
  if (options.keepalive !== false) globals.Request.prototype.keepalive = true;
  Object.defineProperty(window, "localStorage", {
    get() {
      if (!storage) throw new Error("forbidden");
      return storage;
    }
  });
  window.crypto = { getRandomValues: (bytes) => require("node:crypto").webcrypto.getRandomValues(bytes) };
  Object.assign(p, { window, globals, storage });
  const bridge = new Function(...Object.keys(globals), text + "\n//# sourceURL=bridge.js");
  p.load_bridge = () => bridge(...Object.values(globals));
  p.fire = (name) => (p.listeners[name] || []).forEach((run) => run({}));
  p.bodies = () => p.fetches.map((one) => one.body);
  p.events = () => p.bodies().map((one) => one.event);
  return p;
}

// web.min.js: defines `livechatoo`, calls livechatooCmd, keeps the options that init was given.
function load_livechatoo(p) {
  const widget = () => {
    const self = { options: undefined, used: null };
    self.init = (options) => {
      self.used = options === undefined ? self.options : options;
      return "started";
    };
    self.reload = () => self.used;
    self.say = (name, data) => self.used && self.used[name] && self.used[name].call(self, data);
    return self;
  };
  p.window.livechatoo = { embed: widget(), popup: widget() };
  if (p.window.livechatooCmd) p.window.livechatooCmd();
  return p.window.livechatoo;
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

const every_callback = {
  onload: { page: "online", online: true },
  onchatstart: { ticket: 17, initiator: "client" },
  onchange: { chat_status: "min" },
  onchatrating: { ticket: 17, name: "Jo", email: "jo@example.com", phone: "1", rating: "5", message: "good", operator_id: 2, department_id: 3 },
  onofflinemessage: { name: "Jo", email: "jo@example.com", phone: "1", message: "call me" },
  ontrigger: { id: 4, title: "Basket" },
  onnamerequired: { accepted: true, name: "Jo" },
  onemailrequired: { accepted: false },
  onphonerequired: { accepted: 1, phone: "+421" }
};

const tests = {
  async "every callback is told once, and the page's own still runs"() {
    for (const first of ["bridge", "livechatoo"]) {
      const p = page();
      const own = [];
      const options = { account: "shop" };
      for (const name of [...Object.keys(every_callback), "onchatopened"])
        options[name] = function (data) {
          own.push([name, this, data]);
          return name;
        };
      p.window.livechatooCmd = () => p.window.livechatoo.embed.init(options);
      let livechatoo;
      if (first === "bridge") {
        p.load_bridge();
        livechatoo = load_livechatoo(p);
      } else {
        delete p.window.livechatooCmd;
        livechatoo = load_livechatoo(p);
        p.load_bridge();
        assert.strictEqual(livechatoo.embed.init(options), "started");
      }
      for (const [name, data] of Object.entries(every_callback)) {
        assert.strictEqual(livechatoo.embed.say(name, data), name, "what the page's own gives back");
        const [called, self, given] = own[own.length - 1];
        assert.deepStrictEqual([called, self === livechatoo.embed, given === data], [name, true, true]);
      }
      assert.deepStrictEqual(p.events(), Object.keys(every_callback), first);
      assert.deepStrictEqual(p.bodies().map((one) => one.data), Object.values(every_callback));
      assert.strictEqual(own.length, Object.keys(every_callback).length);
      livechatoo.embed.say("onchatopened", { ticket: 18, initiator: "operator" });
      assert.strictEqual(p.events().pop(), "onchatopened");
    }
  },

  async "it is sent so that it outlives the page and asks for no preflight"() {
    const p = page();
    p.load_bridge();
    load_livechatoo(p).embed.init({ account: "shop" });
    p.window.livechatoo.embed.say("onload", { page: "online", online: 1 });
    const { url, init, body } = p.fetches[0];
    assert.strictEqual(url, "https://relay.example/x/hooks/shop");
    assert.deepStrictEqual([init.method, init.keepalive, init.credentials, init.mode], ["POST", true, "omit", "cors"]);
    assert.match(init.headers["Content-Type"], /^text\/plain/);
    assert.match(body.id, /^[0-9a-f]{32}$/);
    assert.match(body.visitor, /^[0-9a-f]{32}$/);
    assert.deepStrictEqual(body.page, { url: "https://shop.example/basket", title: "Basket", referrer: "https://search.example/" });
    assert.deepStrictEqual([body.account, body.widget, body.user_agent], ["shop", "embed", "Stand-in/1.0"]);
  },

  async "what init was given goes along, custom never does"() {
    const p = page({ url: "https://shop.example/basket?PHPSESSID=s3cr3tsession&x=s3cr3tsession" });
    p.load_bridge();
    const options = { account: "shop", custom: "PHPSESSID=s3cr3tsession", c_name: "Jo", c_name_byop: "VIP", c_email: "jo@example.com", c_phone: "1", lang: "sk", departments: "2,5", operators: ["1", 3], target: ["*basket", { a: 1 }], side: "right" };
    load_livechatoo(p).embed.init(options);
    p.window.livechatoo.embed.say("onchatrating", { ticket: 1, rating: 5, message: "my session is s3cr3tsession", custom: "s3cr3tsession", extra: "x" });
    const sent = p.fetches[0];
    assert.ok(!sent.init.body.includes("s3cr3tsession"), sent.init.body);
    assert.ok(!sent.init.body.includes("custom\":"));
    assert.deepStrictEqual(sent.body.init, { c_name: "Jo", c_name_byop: "VIP", c_email: "jo@example.com", c_phone: "1", lang: "sk", departments: "2,5", operators: ["1", 3], target: ["*basket"] });
    assert.deepStrictEqual(sent.body.data, { ticket: 1, rating: 5, message: "my session is [custom]" });
    for (const kept of p.storage.kept.values()) assert.ok(!kept.includes("VIP") && !kept.includes("Jo"));
  },

  async "options beside init, the popup, and a reload with new callbacks"() {
    const p = page();
    p.load_bridge();
    const livechatoo = load_livechatoo(p);
    const calls = [];
    livechatoo.embed.options = { account: "shop", onload: () => calls.push("first") };
    livechatoo.embed.init();
    livechatoo.embed.say("onload", { page: "mini" });
    livechatoo.embed.options.onload = () => calls.push("second");
    livechatoo.embed.reload();
    livechatoo.embed.say("onload", { page: "mini" });
    livechatoo.popup.init({ account: "shop", onload: () => calls.push("popup") });
    livechatoo.popup.say("onload", { page: "online" });
    assert.deepStrictEqual(calls, ["first", "second", "popup"]);
    assert.deepStrictEqual(p.bodies().map((one) => one.widget), ["embed", "embed", "popup"]);
    livechatoo.embed.init(livechatoo.embed.options); // the same object again: told once, not twice
    livechatoo.embed.say("onload", { page: "mini" });
    assert.strictEqual(p.fetches.length, 4);
  },

  async "a callback that the page puts into its options later is heard at once, and still runs"() {
    for (const lock of [(options) => options, Object.preventExtensions, Object.seal, Object.freeze]) {
      const p = page();
      p.load_bridge();
      const calls = [];
      const options = lock({ account: "shop", onload: () => calls.push("first") });
      const embed = load_livechatoo(p).embed;
      embed.init(options);
      embed.say("onload", { page: "mini" });
      embed.used.onload = () => calls.push("second");
      embed.used.ontrigger = () => calls.push("trigger");
      embed.say("onload", { page: "mini" });
      embed.say("ontrigger", { id: 1, title: "x" });
      embed.used.onload = null;
      embed.say("onload", { page: "mini" });
      assert.deepStrictEqual(calls, ["first", "second", "trigger"]);
      assert.deepStrictEqual(p.events(), ["onload", "onload", "ontrigger", "onload"]);
      const copied = Object.assign({}, embed.used); // a loader that keeps a copy
      copied.onchange({ chat_status: "min" });
      assert.strictEqual(p.events().pop(), "onchange");
    }
  },

  async "one callback that cannot be changed keeps none from being heard"() {
    const p = page();
    p.load_bridge();
    const calls = [];
    const options = { account: "shop" };
    Object.defineProperty(options, "onload", { value: () => calls.push("own"), enumerable: true });
    const embed = load_livechatoo(p).embed;
    embed.init(options);
    embed.say("onload", { page: "online" });
    embed.say("onchange", { chat_status: "min" });
    assert.deepStrictEqual([p.events(), calls], [["onload", "onchange"], ["own"]]);
  },

  async "a Livechatoo that is closed to changes, or has throwing members, is the page's as without us"() {
    const widgets = [
      () => Object.freeze({ embed: Object.freeze({ init: (options) => options }) }),
      () => ({ embed: Object.freeze({ init: (options) => options }) }),
      () => Object.seal({ embed: Object.preventExtensions({ init: (options) => options }) }),
      () => Object.defineProperty({ embed: { init: (options) => options } }, "popup", { get() { throw new Error("the page's"); } })
    ];
    for (const [n, make] of widgets.entries()) {
      const p = page();
      p.load_bridge();
      const made = make();
      p.window.livechatoo = made;
      assert.strictEqual(p.window.livechatoo, made, n);
      assert.strictEqual(p.window.livechatoo.embed.init({ account: "shop" }).account, "shop", n);
      const late = page();
      late.window.livechatoo = make();
      late.load_bridge();
      assert.strictEqual(late.window.livechatoo.embed.init({ account: "shop" }).account, "shop", n);
    }
    const p = page();
    p.load_bridge();
    const embed = load_livechatoo(p).embed;
    const options = { account: "shop", get onload() { throw new Error("the page's"); } };
    assert.strictEqual(embed.init(options), "started");
    assert.strictEqual(embed.used, options);
  },

  async "loaded after Livechatoo started, it hears what Livechatoo calls through its options"() {
    const p = page();
    const calls = [];
    const embed = load_livechatoo(p).embed;
    embed.options = { account: "shop", onload: () => calls.push("own") };
    embed.init();
    p.load_bridge();
    embed.say("onload", { page: "online" });
    embed.say("ontrigger", { id: 1, title: "x" });
    assert.deepStrictEqual([p.events(), calls], [["onload", "ontrigger"], ["own"]]);
    assert.strictEqual(p.bodies()[0].widget, "embed");
  },

  async "a custom of before is not sent either"() {
    const p = page();
    p.load_bridge();
    p.window.chatrelay.track("conversion", { note: "first-session" });
    const embed = load_livechatoo(p).embed;
    embed.init({ account: "shop", custom: "PHPSESSID=first-session" });
    embed.init({ account: "shop", custom: "PHPSESSID=second-session" });
    embed.say("onchatopened", { ticket: 1, initiator: "client" });
    embed.say("onofflinemessage", { message: "first-session, second-session" });
    assert.deepStrictEqual(p.events(), ["onchatopened", "conversion", "onofflinemessage"]);
    assert.deepStrictEqual(p.bodies()[1].data, { note: "[custom]" });
    assert.deepStrictEqual(p.bodies()[2].data, { message: "[custom], [custom]" });
  },

  async "whatever a page holds, a call fits"() {
    const wide = "\u20ac".repeat(100000);
    const p = page({ url: "https://shop.example/?" + wide });
    p.globals.document.title = wide;
    p.globals.document.referrer = "https://search.example/" + wide;
    p.load_bridge();
    const options = { account: "shop", c_name: wide, c_name_byop: wide, c_email: wide, c_phone: wide, departments: wide, operators: wide };
    load_livechatoo(p).embed.init(options);
    p.window.livechatoo.embed.say("onchatrating", { ticket: 1, rating: 5, name: wide, email: wide, phone: wide, message: wide });
    assert.ok(Buffer.byteLength(p.fetches[0].init.body) < 64 * 1024, String(Buffer.byteLength(p.fetches[0].init.body)));
    assert.strictEqual(p.bodies()[0].data.message.length, 8000);
  },

  async "a loader that replaces its own parts later is still heard"() {
    const p = page();
    p.load_bridge();
    p.window.livechatoo = {};
    p.window.livechatoo.embed = {};
    let used;
    p.window.livechatoo.embed.init = (options) => (used = options);
    p.window.livechatoo.embed.init({ account: "shop" });
    used.onload({ page: "online" });
    p.window.livechatoo = { embed: { init: (options) => (used = options) } };
    p.window.livechatoo.embed.init(Object.freeze({ account: "shop", lang: "sk" }));
    used.onload({ page: "online" });
    assert.deepStrictEqual(p.events(), ["onload", "onload"]);
    assert.strictEqual(p.bodies()[1].init.lang, "sk");
  },

  async "a page whose own callback throws, and data that is nothing"() {
    const p = page();
    p.load_bridge();
    load_livechatoo(p).embed.init({ account: "shop", onload: () => { throw new Error("the page's"); } });
    assert.throws(() => p.window.livechatoo.embed.say("onload", { page: "online" }), /the page's/);
    for (const data of [undefined, null, 5, "x", { page: { a: 1 }, online: NaN }]) p.window.livechatoo.embed.say("onchange", data);
    assert.strictEqual(p.fetches.length, 6);
    assert.deepStrictEqual(p.bodies().slice(1).map((one) => one.data), [{}, {}, {}, {}, {}]);
    p.window.livechatoo.embed.say("onofflinemessage", { message: "x".repeat(100000) });
    assert.strictEqual(p.bodies()[6].data.message.length, 8000);
  },

  async "onchatopened of a chat that is known is not told again"() {
    const p = page();
    p.load_bridge();
    const embed = load_livechatoo(p).embed;
    embed.init({ account: "shop" });
    embed.say("onchatstart", { ticket: 7, initiator: "client" });
    embed.say("onchatopened", { ticket: "7", initiator: "client" });
    embed.say("onchatopened", { ticket: 8, initiator: "operator" });
    embed.say("onchange", { chat_status: "max" });
    assert.deepStrictEqual(p.events(), ["onchatstart", "onchatopened", "onchange"]);
    assert.strictEqual(p.bodies()[2].ticket, 8);
  },

  async "tabs of one browser are one visitor, and what both tell at once has one id"() {
    const storage = new Storage();
    const tabs = [page({ storage }), page({ storage })];
    for (const p of tabs) {
      p.load_bridge();
      load_livechatoo(p).embed.init({ account: "shop" });
      p.window.livechatoo.embed.say("onnamerequired", { accepted: true, name: "Jo" });
    }
    const [a, b] = tabs.map((p) => p.bodies()[0]);
    assert.deepStrictEqual([a.visitor, a.id], [b.visitor, b.id]);
    tabs[1].window.livechatoo.embed.say("onload", { page: "online" });
    tabs[0].window.livechatoo.embed.say("onload", { page: "online" });
    assert.notStrictEqual(tabs[0].bodies()[1].id, tabs[1].bodies()[1].id, "two pages were loaded");
    tabs[0].window.livechatoo.embed.say("onchange", { chat_status: "min" });
    tabs[0].window.livechatoo.embed.say("onchange", { chat_status: "min" });
    assert.notStrictEqual(tabs[0].bodies()[2].id, tabs[0].bodies()[3].id, "one tab said it twice");
    tabs[1].now += 6000;
    tabs[1].window.livechatoo.embed.say("onnamerequired", { accepted: true, name: "Jo" });
    assert.notStrictEqual(tabs[1].bodies()[2].id, a.id, "later is another time");
  },

  async "a browser that keeps nothing has no visitor id, and goes on"() {
    const p = page({ storage: null });
    p.load_bridge();
    load_livechatoo(p).embed.init({ account: "shop" });
    p.window.livechatoo.embed.say("onchange", { chat_status: "min" });
    assert.strictEqual(p.bodies()[0].visitor, undefined);
    assert.match(p.bodies()[0].id, /^[0-9a-f]{32}$/);
  },

  async "a conversion belongs to the chat that runs"() {
    const p = page();
    p.load_bridge();
    const track = p.window.chatrelay.track;
    const embed = load_livechatoo(p).embed;
    embed.init({ account: "shop" });
    assert.strictEqual(track("purchase", { value: 1 }), false);
    assert.strictEqual(track("conversion", { value: 59.9, currency: "EUR", list: [1], deep: { a: 1 } }), true);
    assert.strictEqual(p.fetches.length, 0, "the chat is not loaded yet");
    embed.say("onchatopened", { ticket: 9, initiator: "client" });
    assert.deepStrictEqual(p.events(), ["onchatopened", "conversion"]);
    assert.deepStrictEqual(p.bodies()[1].data, { value: 59.9, currency: "EUR", list: [1] });
    assert.strictEqual(p.bodies()[1].ticket, 9);
    track("conversion");
    assert.deepStrictEqual(p.bodies()[2].data, {});

    const q = page();
    q.load_bridge();
    q.window.chatrelay.track("conversion", { value: 1 });
    load_livechatoo(q).embed.init({ account: "shop" });
    q.window.livechatoo.embed.say("onchatstart", { ticket: 10, initiator: "client" });
    assert.deepStrictEqual(q.events(), ["onchatstart"], "the chat began after it");
  },

  async "what the relay could not take is sent again, with the same id; what it refuses is not"() {
    const p = page({ statuses: [503, 200, 400], retry_after: "9" });
    p.load_bridge();
    const embed = load_livechatoo(p).embed;
    embed.init({ account: "shop" });
    embed.say("onload", { page: "online" });
    await settle();
    assert.deepStrictEqual(p.timers.map((one) => one.ms), [9000]);
    p.timers[0].run();
    await settle();
    assert.strictEqual(p.bodies()[0].id, p.bodies()[1].id);
    embed.say("onload", { page: "mini" });
    await settle();
    assert.deepStrictEqual([p.fetches.length, p.timers.length, p.beacons.length], [3, 1, 0]);
  },

  async "answers are read to their end: a browser counts others as broken off"() {
    const p = page({ statuses: [200, 503, 403], cut: true });
    p.load_bridge();
    const embed = load_livechatoo(p).embed;
    embed.init({ account: "shop" });
    for (let i = 0; i < 3; i++) embed.say("onload", { page: "online" });
    await settle();
    assert.deepStrictEqual([p.read, p.timers.length, p.beacons.length], [3, 1, 0]);
  },

  async "without an answer a beacon goes too, and tries end"() {
    for (const failure of ["fails", "throws"]) {
      const p = page({ statuses: Array(20).fill(failure) });
      p.load_bridge();
      load_livechatoo(p).embed.init({ account: "shop" });
      p.window.livechatoo.embed.say("onload", { page: "online" });
      for (let i = 0; i < 10; i++) {
        await settle();
        if (p.timers[i]) p.timers[i].run();
      }
      assert.deepStrictEqual(p.timers.map((one) => one.ms), [1000, 5000, 20000, 60000]);
      assert.strictEqual(p.beacons.length, 1);
      assert.deepStrictEqual([p.beacons[0].blob.type, p.beacons[0].url], ["text/plain", "https://relay.example/x/hooks/shop"]);
      assert.strictEqual(JSON.parse(p.beacons[0].blob.text).event, "onload");
    }
  },

  async "a page that is left sends what waits, and what comes then, as beacons"() {
    const p = page({ statuses: [503] });
    p.load_bridge();
    const embed = load_livechatoo(p).embed;
    embed.init({ account: "shop" });
    embed.say("onload", { page: "online" });
    await settle();
    p.fire("pagehide");
    embed.say("onofflinemessage", { message: "bye", email: "jo@example.com" });
    assert.deepStrictEqual(p.beacons.map((one) => JSON.parse(one.blob.text).event), ["onload", "onofflinemessage"]);
    p.timers[0].run();
    assert.strictEqual(p.fetches.length, 1, "its timer is gone");
    p.fire("pageshow");
    embed.say("onload", { page: "online" });
    assert.strictEqual(p.fetches.length, 2);
  },

  async "where fetch does not outlive a page, beacons are used; where those are refused, fetch"() {
    const old = page({ keepalive: false });
    old.load_bridge();
    load_livechatoo(old).embed.init({ account: "shop" });
    old.window.livechatoo.embed.say("onload", { page: "online" });
    assert.deepStrictEqual([old.beacons.length, old.fetches.length], [1, 0]);
    const full = page({ keepalive: false, beacon: false });
    full.load_bridge();
    load_livechatoo(full).embed.init({ account: "shop" });
    full.window.livechatoo.embed.say("onload", { page: "online" });
    assert.deepStrictEqual([full.beacons.length, full.fetches.length], [0, 1]);
  },

  async "a script that is there twice tells once"() {
    const p = page();
    p.load_bridge();
    p.load_bridge();
    load_livechatoo(p).embed.init({ account: "shop" });
    p.load_bridge();
    p.fire("DOMContentLoaded");
    p.fire("load");
    p.window.livechatoo.embed.say("onload", { page: "online" });
    assert.strictEqual(p.fetches.length, 1);
  },

  async "a declaration that put the watch aside is found again before init"() {
    const p = page();
    p.load_bridge();
    Object.defineProperty(p.window, "livechatoo", { value: undefined, writable: true, configurable: true });
    let used;
    p.window.livechatooCmd = () => p.window.livechatoo.embed.init({ account: "shop" });
    p.window.livechatoo = { embed: { init: (options) => (used = options) } };
    p.window.livechatooCmd();
    used.onload({ page: "online" });
    assert.deepStrictEqual(p.events(), ["onload"]);
  }
};

(async () => {
  let failed = 0;
  for (const [name, run] of Object.entries(tests)) {
    try {
      await run();
      console.log("ok   " + name);
    } catch (error) {
      failed += 1;
      console.log("FAIL " + name + "\n" + error.stack);
    }
  }
  console.log(`${Object.keys(tests).length - failed} of ${Object.keys(tests).length} passed`);
  process.exit(failed ? 1 : 0);
})();
