// Leader election: of the replicas that share a store, one keeps each cluster.

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// How long the others wait for a leader that says nothing, when it gives up
// itself, and how often it says that it is there.
const (
	leaseDuration = 15 * time.Second
	leaseRenew    = 10 * time.Second
	leaseRetry    = 2 * time.Second
)

// platform is what tells one Atoll, with all its replicas, from another.
type platform struct {
	UID string `json:"uid"`
}

// platformName is the record's place under ownPrefix.
const platformName = "platform"

// platformUID is this Atoll's, made when it is asked for first.
func (t *Service) platformUID(ctx context.Context) (string, error) {
	c := store.NewCollection[platform](t.store, ownPrefix)
	var uid string
	err := again(ctx, func() error {
		have, err := c.Get(ctx, platformName)
		if err == nil {
			uid = have.Value.UID
			return nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		uid = access.NewUID()
		_, err = c.Create(ctx, platformName, platform{UID: uid})
		return err
	})
	if err != nil {
		return "", fmt.Errorf("reading the platform's id: %w", err)
	}
	return uid, nil
}

// lead works with one connection whenever this replica is elected, until ctx
// ends.
func (r *reconciler) lead(ctx context.Context) {
	for delay := retryFirst; ctx.Err() == nil; delay = min(2*delay, retryMost) {
		err := r.stand(ctx)
		if err == nil {
			delay = retryFirst // it led, and does not any more
		} else if ctx.Err() == nil {
			r.log().Warn("the cluster cannot be kept yet", "error", err)
		}
		pause(ctx, delay)
	}
}

// stand stands for election once, and works until the lead is lost or ctx ends.
func (r *reconciler) stand(ctx context.Context) error {
	config, err := r.cluster.REST()
	if err != nil {
		return err
	}
	if r.client, err = dynamic.NewForConfig(config); err != nil {
		return err
	}
	if r.self, err = r.whoAmI(ctx); err != nil {
		return err
	}
	leases, err := coordination.NewForConfig(config)
	if err != nil {
		return err
	}
	if r.platform, err = r.service.platformUID(ctx); err != nil {
		return err
	}
	system := systemObject()
	_, err = r.client.Resource(namespaceResource).Create(ctx, system.Unstructured, createOptions)
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating the namespace %q: %w", systemNamespace, err)
	}
	identity := r.service.options.Identity
	if identity == "" {
		identity = r.platform
	}
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	elected := make(chan context.Context, 1) // ends with the lead
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: systemNamespace, Name: "atoll-" + r.platform},
			Client:     leases,
			LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
			Labels:     map[string]string{labelManaged: managed},
		},
		LeaseDuration: leaseDuration, RenewDeadline: leaseRenew, RetryPeriod: leaseRetry, ReleaseOnCancel: true, Name: "atoll",
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) { elected <- ctx },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("preparing the election: %w", err)
	}
	// The library logs by the context.
	ctx = klog.NewContext(ctx, logr.FromSlogHandler(r.log().Handler()))
	over := make(chan struct{})
	go func() { defer close(over); elector.Run(ctx) }()
	select {
	case lead := <-elected:
		r.log().Info("keeping the cluster", "identity", identity)
		err = r.session(lead)
	case <-over:
	}
	giveUp()
	<-over
	return err
}
