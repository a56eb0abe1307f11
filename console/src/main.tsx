// The entry of the console.
import './look/index.css';
import { createRoot } from 'react-dom/client';

createRoot(document.getElementById('root')!).render(<p>Atoll</p>);
