/**
 * The users of the demo: who there is, and a token to act as one of them.
 *
 * @typedef {{user_id: string, nickname: string}} DemoUser
 */

import { readBase64url } from '../client/inflate.js';
import { reached, readProblem } from '../client/problem.js';
import { isCount, isRecord, readFields } from '../client/values.js';

/**
 * Lists the users.
 *
 * @returns {Promise<DemoUser[]>} none where there is nobody to act as
 */
export async function fetchDemoUsers() {
  const response = await reached(fetch('/demo/users'));
  // 404 outside the demo, 403 for a page that was opened from another machine.
  if (response.status === 404 || response.status === 403) return [];
  if (!response.ok) throw await readProblem(response);
  const { users } = readFields(await reached(response.text()));
  return Array.isArray(users) ? users.filter(isDemoUser) : [];
}

/**
 * Gets a token for one of them.
 *
 * @param {string} userId
 * @returns {Promise<string>}
 */
export async function fetchDemoToken(userId) {
  const response = await reached(
    fetch('/demo/token', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ user: userId }),
    }),
  );
  if (!response.ok) throw await readProblem(response);
  return String(readFields(await reached(response.text())).token);
}

/**
 * Reads when a token expires (RFC 7519 4.1.4); the signature is the server's business.
 *
 * @param {string} token
 * @returns {number | undefined} ms
 */
export function expiryMsOf(token) {
  const [, claims = ''] = token.split('.');
  const { exp } = readFields(new TextDecoder().decode(readBase64url(claims)));
  return isCount(exp) ? exp * 1000 : undefined;
}

/**
 * @param {unknown} value
 * @returns {value is DemoUser}
 */
function isDemoUser(value) {
  return isRecord(value) && typeof value.user_id === 'string' && typeof value.nickname === 'string';
}
