/**
 * Leads on as soon as the applications' frames have loaded, and after four seconds whether they have or not. For any browser,
 * however old; without script the person presses the button.
 */
function leave() {
  window.removeEventListener('load', leave);
  window.location.replace(document.getElementById('leave').href);
}
window.addEventListener('load', leave);
window.setTimeout(leave, 4000);
