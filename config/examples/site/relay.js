// Where the relay is, and its bridge for Livechatoo. Served by the relay itself (listen.site, under /site/), the page speaks to where
// it came from; on a website of its own, to the address that is written into the page. On a real website all of this is one line:
//   <script src="https://relay.example.com/livechatoo/bridge.js?source=shop"></script>
'use strict'
{
  const page = document.documentElement
  if (location.pathname.startsWith('/site/')) page.dataset.relay = location.origin
  // Written and not appended: the bridge has to be there before Livechatoo's own script, and only a written script is waited for.
  document.write(`<script src="${page.dataset.relay}/livechatoo/bridge.js?source=shop"></` + 'script>')
}
