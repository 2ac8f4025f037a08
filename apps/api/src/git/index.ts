export { gitUrl } from './git-url.js';
export { startGitService, type GitService } from './start-git.js';
