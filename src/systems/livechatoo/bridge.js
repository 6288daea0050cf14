/* chatrelay's bridge for Livechatoo: tells the relay what livechatoo.embed and livechatoo.popup tell the page.
   It replaces none of the page's callbacks, depends on nothing, and may be loaded before or after web.min.js.
   `custom`, which may be a session id, is never sent. Its documentation is livechatoo.md of the relay. */
(function () {
  "use strict";

  var settings = "@chatrelay_settings@"; // {source, account, hook}: written in by the relay that serves this file
  var relay = (window.chatrelay = window.chatrelay || {});
  if (relay.livechatoo) return; // a page may name this script twice
  relay.livechatoo = { source: settings.source };

  // --- what is told of each callback, and nothing else

  var CALLBACKS = {
    onload: ["page", "online"],
    onchange: ["chat_status"],
    onchatstart: ["ticket", "initiator"],
    onchatopened: ["ticket", "initiator"],
    onchatrating: ["ticket", "name", "email", "phone", "rating", "message", "operator_id", "department_id"],
    onofflinemessage: ["name", "email", "phone", "message", "operator_id", "department_id"],
    ontrigger: ["id", "title"],
    onnamerequired: ["accepted", "name"],
    onemailrequired: ["accepted", "email"],
    onphonerequired: ["accepted", "phone"]
  };
  var INIT = ["c_name", "c_name_byop", "c_email", "c_phone", "lang", "departments", "operators", "target"];
  // What several tabs may tell at the same moment, without a ticket that would make it one.
  var MIRRORED = ["onchange", "ontrigger", "onofflinemessage", "onnamerequired", "onemailrequired", "onphonerequired"];

  // Characters; the relay takes 64 KiB in all, and so does a browser that is leaving.
  var LINE_MAX = 300;
  var LONGER = { message: 8000, url: 2000, referrer: 2000, target: 500 };
  var LIST_MAX = 50;
  var DETAILS_MAX = 20;
  var WAITING_MAX = 50;
  var CUSTOMS_MAX = 10;
  var MIRROR_MS = 5000;
  var RETRY_MS = [1000, 5000, 20000, 60000];

  // Beside this script, whatever stands before the relay; a page that packs the script into another says where.
  var script = document.currentScript;
  var hook = relay.hook || (script && script.src ? new URL(".." + settings.hook, script.src).href : settings.hook);
  var tab = random();
  var visitor = visitor_id();
  var latest = {}; // the options that init was given last
  var customs = []; // every `custom` that init was given: the last ones
  var chat = null; // {ticket} once a callback named it
  var early = []; // conversions of a page whose running chat is not loaded yet
  var waiting = []; // texts that could not be sent, until their next try
  var leaving = false;

  function random() {
    var bytes = new Uint8Array(16);
    if (window.crypto && window.crypto.getRandomValues) window.crypto.getRandomValues(bytes);
    else for (var i = 0; i < bytes.length; i++) bytes[i] = Math.floor(Math.random() * 256);
    var text = "";
    for (var j = 0; j < bytes.length; j++) text += (bytes[j] + 256).toString(16).slice(1);
    return text;
  }

  // The same in all tabs of this website. null where the browser keeps nothing: then the relay goes by the ticket.
  function visitor_id() {
    try {
      var known = window.localStorage.getItem("chatrelay.visitor");
      if (known && /^[0-9a-f]{32}$/.test(known)) return known;
      var made = random();
      window.localStorage.setItem("chatrelay.visitor", made);
      return window.localStorage.getItem("chatrelay.visitor") === made ? made : null;
    } catch (e) {
      return null;
    }
  }

  // --- from the page's values to what is sent

  // What `custom` holds or held, in the spellings in which it could stand in an address.
  function hidden_texts() {
    var custom = latest.custom;
    if (custom !== undefined && custom !== null && customs.indexOf(String(custom)) < 0) {
      customs.push(String(custom));
      customs = customs.slice(-CUSTOMS_MAX);
    }
    var texts = [];
    customs.forEach(function (whole) {
      var value = whole.slice(whole.indexOf("=") + 1);
      texts.push(whole, encodeURIComponent(whole), value, encodeURIComponent(value));
    });
    return texts.filter(function (text) {
      return text.length >= 6; // a shorter one would blank ordinary words
    });
  }

  function plain(value, hidden, max) {
    if (typeof value === "boolean") return value;
    if (typeof value === "number") return isFinite(value) ? value : undefined;
    if (typeof value !== "string") return undefined;
    hidden.forEach(function (text) {
      value = value.split(text).join("[custom]");
    });
    return value.slice(0, max);
  }

  function pick(from, names, hidden) {
    var out = {};
    names.forEach(function (name) {
      var value = from[name];
      var max = LONGER.hasOwnProperty(name) ? LONGER[name] : LINE_MAX;
      if (Array.isArray(value)) {
        value = value.slice(0, LIST_MAX).map(function (one) {
          return plain(one, hidden, max);
        });
        value = value.filter(function (one) {
          return one !== undefined;
        });
      } else {
        value = plain(value, hidden, max);
      }
      if (value !== undefined) out[name] = value;
    });
    return out;
  }

  function hash(text) {
    var a = 0x811c9dc5;
    var b = 0x1000193;
    for (var i = 0; i < text.length; i++) {
      a = Math.imul(a ^ text.charCodeAt(i), 0x01000193);
      b = Math.imul(b ^ text.charCodeAt(i), 0x5bd1e995);
    }
    return (a >>> 0).toString(16) + (b >>> 0).toString(16);
  }

  // The id of this call; that of another tab which told the same just now.
  function id_of(event, data) {
    var made = random();
    if (MIRRORED.indexOf(event) < 0) return made;
    try {
      var now = Date.now();
      var key = hash(event + "|" + (chat ? chat.ticket : "") + "|" + JSON.stringify(data));
      var known = JSON.parse(window.localStorage.getItem("chatrelay.told") || "[]").filter(function (one) {
        return Math.abs(now - one.at) < MIRROR_MS;
      });
      var same = known.filter(function (one) {
        return one.key === key && one.tab !== tab;
      })[0];
      if (same && /^[0-9a-f]{32}$/.test(same.id)) return same.id;
      known.push({ key: key, id: made, tab: tab, at: now });
      window.localStorage.setItem("chatrelay.told", JSON.stringify(known.slice(-20)));
    } catch (e) {
      /* the browser keeps nothing: two tabs are two */
    }
    return made;
  }

  function tell(event, widget, data) {
    var hidden = hidden_texts();
    var body = { id: id_of(event, data), event: event, data: data };
    if (visitor) body.visitor = visitor;
    var account = latest.account || settings.account;
    if (account) body.account = String(account);
    if (widget) body.widget = widget;
    if (chat) body.ticket = chat.ticket;
    body.page = pick(
      { url: String(location.href), title: document.title, referrer: document.referrer },
      ["url", "title", "referrer"],
      hidden
    );
    if (navigator.userAgent) body.user_agent = String(navigator.userAgent).slice(0, 500);
    body.init = pick(latest, INIT, hidden);
    deliver(JSON.stringify(body), 0);
  }

  // --- sending

  // Browsers without keepalive end a fetch together with its page; a beacon outlives it.
  function keeps_alive() {
    return typeof fetch === "function" && typeof Request === "function" && "keepalive" in Request.prototype;
  }

  function beacon(text) {
    try {
      return !!navigator.sendBeacon && navigator.sendBeacon(hook, new Blob([text], { type: "text/plain" }));
    } catch (e) {
      return false;
    }
  }

  function try_later(text, tries, seconds) {
    if (tries >= RETRY_MS.length || waiting.length >= WAITING_MAX) return;
    var entry = { text: text, timer: 0 };
    entry.timer = setTimeout(function () {
      waiting.splice(waiting.indexOf(entry), 1);
      deliver(text, tries + 1);
    }, Math.max(RETRY_MS[tries], Math.min(seconds || 0, 120) * 1000));
    waiting.push(entry);
  }

  // What is sent twice is one at the relay: its id says so.
  function deliver(text, tries) {
    if (leaving && beacon(text)) return;
    if (!keeps_alive() && beacon(text)) return;
    if (typeof fetch !== "function") return try_later(text, tries);
    var sending;
    try {
      sending = fetch(hook, {
        method: "POST",
        body: text,
        // Asks for no preflight, for which a page that is being left has no time.
        headers: { "Content-Type": "text/plain;charset=UTF-8" },
        mode: "cors",
        credentials: "omit",
        keepalive: true
      });
    } catch (e) {
      sending = Promise.reject(e);
    }
    sending.then(
      function (answer) {
        answer.text().catch(function () {}); // an answer that nobody reads is a broken-off call to a browser
        if (answer.status === 429 || answer.status >= 500)
          try_later(text, tries, Number(answer.headers.get("Retry-After")) || 0);
      },
      function () {
        if (tries === 0) beacon(text); // 64 KiB were under way already, or fetch is blocked
        try_later(text, tries);
      }
    );
  }

  function leave() {
    leaving = true;
    waiting.splice(0).forEach(function (entry) {
      clearTimeout(entry.timer);
      beacon(entry.text);
    });
  }

  addEventListener("pagehide", leave);
  addEventListener("pageshow", function () {
    leaving = false; // back from the browser's cache of pages
  });

  // --- listening

  // The conversions that were waiting for this: a chat that starts after one has no part in it, one that runs on has.
  function remember_chat(event, data) {
    if ((event !== "onchatstart" && event !== "onchatopened") || data.ticket === undefined || data.ticket === "")
      return [];
    var held = event === "onchatopened" ? early : [];
    early = [];
    chat = { ticket: data.ticket };
    return held;
  }

  function heard(event, widget, data) {
    try {
      var known = pick(data && typeof data === "object" ? data : {}, CALLBACKS[event], hidden_texts());
      if (event === "onchatopened" && chat && String(chat.ticket) === String(known.ticket)) return;
      var held = remember_chat(event, known);
      tell(event, widget, known);
      held.forEach(function (details) {
        tell("conversion", null, pick(details, Object.keys(details), hidden_texts())); // it may be older than `custom`
      });
    } catch (e) {
      /* the page goes on, whatever happens here */
    }
  }

  function listening(event, widget, own) {
    if (own && own.chatrelay) return own;
    var both = function (data) {
      heard(event, widget, data);
      if (typeof own === "function") return own.apply(this, arguments);
    };
    both.chatrelay = true;
    return both;
  }

  // The page's own object, so that what it puts there later is listened to as well; a copy where nothing can be added.
  function prepared(options, widget) {
    var target = is_open(options) ? options : Object.assign({}, options);
    Object.keys(CALLBACKS).forEach(function (event) {
      intercept(target, event, listening.bind(null, event, widget));
    });
    latest = target;
    hidden_texts(); // remembers its custom
    return target;
  }

  function is_open(options) {
    return Object.isExtensible(options) && Object.keys(CALLBACKS).every(function (event) {
      var there = Object.getOwnPropertyDescriptor(options, event);
      return !there || there.configurable;
    });
  }

  function is_holder(value) {
    return !!value && (typeof value === "object" || typeof value === "function");
  }

  // Every value that the property has or gets goes through `change`. Of an object that is closed nothing is listened
  // to; no assignment of the page may fail because of this.
  function intercept(holder, name, change) {
    var there = Object.getOwnPropertyDescriptor(holder, name);
    if (there && there.get && there.get.chatrelay) return;
    if (!there && !Object.isExtensible(holder)) return;
    var value = change(holder[name]);
    if (there && !there.configurable) {
      if (there.writable && value !== holder[name]) holder[name] = value;
      return;
    }
    var get = function () {
      return value;
    };
    get.chatrelay = true;
    Object.defineProperty(holder, name, {
      configurable: true,
      enumerable: true,
      get: get,
      set: function (next) {
        value = next;
        try {
          value = change(next);
        } catch (e) {
          /* what the page assigns is there, listened to or not */
        }
      }
    });
  }

  // `first` runs before the function, with its arguments, which it may change.
  function preceded(original, first) {
    if (typeof original !== "function" || original.chatrelay) return original;
    var both = function () {
      var args = Array.prototype.slice.call(arguments);
      try {
        first(this, args);
      } catch (e) {
        /* Livechatoo starts, whatever happens here */
      }
      return original.apply(this, args);
    };
    both.chatrelay = true;
    return both;
  }

  function watch_widget(widget, value) {
    if (!is_holder(value)) return value;
    var prepare_options = function () {
      var ready = prepared(is_holder(value.options) ? value.options : {}, widget);
      if (ready !== value.options) value.options = ready;
    };
    // Of a Livechatoo that started before this script: what it was given, where it shows that.
    if (is_holder(value.options) && value.options.account) prepare_options();
    intercept(value, "init", function (init) {
      return preceded(init, function (self, args) {
        if (is_holder(args[0])) args[0] = prepared(args[0], widget);
        else prepare_options();
      });
    });
    // reload() begins anew with the options that it has; the page may have put new callbacks there.
    intercept(value, "reload", function (reload) {
      return preceded(reload, function (self, args) {
        if (is_holder(args[0])) args[0] = prepared(args[0], widget);
        else if (is_holder(value.options)) prepare_options();
        else prepared(latest, widget);
      });
    });
    return value;
  }

  function watch_livechatoo(value) {
    if (!is_holder(value)) return value;
    ["embed", "popup"].forEach(function (widget) {
      intercept(value, widget, watch_widget.bind(null, widget));
    });
    return value;
  }

  function watch() {
    try {
      intercept(window, "livechatoo", watch_livechatoo);
      // web.min.js calls this; a declaration of that name may have put aside what watched `livechatoo`.
      intercept(window, "livechatooCmd", function (command) {
        return preceded(command, function () {
          watch_livechatoo(window.livechatoo);
        });
      });
    } catch (e) {
      /* a page that forbids it is not listened to */
    }
  }

  watch();
  addEventListener("DOMContentLoaded", watch);
  addEventListener("load", watch);

  // --- for the page

  // chatrelay.track("conversion", {value: 59.9, currency: "EUR"}): true if it is told, or will be once a chat that runs
  // is loaded; false for anything else.
  relay.track = function (name, details) {
    if (name !== "conversion") return false;
    try {
      var given = is_holder(details) ? details : {};
      var known = pick(given, Object.keys(given).slice(0, DETAILS_MAX), hidden_texts());
      if (chat) tell("conversion", null, known);
      else if (early.length < DETAILS_MAX) early.push(known);
      else return false;
      return true;
    } catch (e) {
      return false;
    }
  };
})();
