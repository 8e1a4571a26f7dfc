/** Line icons on a grid of 24, drawn by DOM calls. */

const SVG = 'http://www.w3.org/2000/svg';

const MIC_HEAD = 'M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3z';
const MIC = `${MIC_HEAD} M5.5 11a6.5 6.5 0 0 0 13 0 M12 17.5V21`;
const LOCK_BODY = 'M7 11h10a2 2 0 0 1 2 2v5a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2v-5a2 2 0 0 1 2-2z';
const SLASH = 'M4 4l16 16';
const ARCS = 'M4.5 12a10.6 10.6 0 0 1 15 0 M8 15.6a5.6 5.6 0 0 1 8 0 M12 19.2h.01';

/** @type {Record<IconName, string>} */
const PATHS = {
  mic: MIC,
  'mic-off': `${MIC} ${SLASH}`,
  lock: `${LOCK_BODY} M8.5 11V8a3.5 3.5 0 0 1 7 0v3`,
  link: ARCS,
  'link-lost': `${ARCS} ${SLASH}`,
};

/** @typedef {'mic' | 'mic-off' | 'lock' | 'link' | 'link-lost'} IconName */

/**
 * Draws an icon; what it means is said in words elsewhere.
 *
 * @param {IconName} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.classList.add('icon');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}
