// The entry of the console.
import './look/index.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { preferences } from './look/preferences';
import { restore } from './session/session';
import { speak } from './words/words';

void restore();
await speak(preferences().language).catch(() => undefined); // without its words the console speaks English
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
