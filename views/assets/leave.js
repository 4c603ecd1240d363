/** Leads on as soon as the applications' frames have loaded. For any browser, however old: without it the page goes on by itself. */
// biome-ignore lint/complexity/useArrowFunction: read by engines that know none
window.addEventListener('load', function () {
  window.location.replace(document.getElementById('leave').href);
});
