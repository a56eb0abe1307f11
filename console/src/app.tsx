// The whole console: data, router, notices. Drawn anew when the language changes; what a person sees is in the address.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useState } from 'react';
import { ApiError } from './api/problem';
import { Toasts } from './kit/toasts';
import { usePreferences } from './look/preferences';
import { makeRouter } from './routing/router';

const makeQueries = () =>
  new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // What was refused stays refused; what failed for the moment is asked again twice.
        retry: (times, error) =>
          times < 2 && !(error instanceof ApiError && error.status !== undefined && error.status < 500),
      },
    },
  });

export function App() {
  const [router] = useState(makeRouter);
  const [queries] = useState(makeQueries);
  const { language } = usePreferences();
  return (
    <QueryClientProvider client={queries}>
      <div className="contents" key={language}>
        <RouterProvider router={router} />
        <Toasts />
      </div>
    </QueryClientProvider>
  );
}
