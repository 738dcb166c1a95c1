/** What `E(kernel).help()` answers. */
export const HELP = `Cooperage: vats and their objects, from this console. Every call gives a promise: await it.

  kernel
    await E(kernel).launch(config)           start a cluster; gives { name, cluster, root, vats }
    await E(kernel).clusters()               the clusters, their vats, states and krefs
    await E(kernel).status()                 the kernel's state and counts
    await E(kernel).root('demo', 'bob')      the root object of a vat; without a vat, of the bootstrap vat
    await E(kernel).restart('demo', 'bob')   a new incarnation over the same store; without a vat, of all
    await E(kernel).upgrade('demo', 'bob', { url })   new code over the same store; also { text }, { hash },
                                             and then { parameters, upgradeMessage }
    await E(kernel).suspend('demo', 'bob')   take its heap; its messages wait
    await E(kernel).resume('demo', 'bob')    let a suspended vat go on
    await E(kernel).pause('demo', 'bob')     hold it still, heap and all, until unpause('demo', 'bob')
    await E(kernel).pause()                  hold all vats still; also unpause(), and step(): one delivery
    await E(kernel).collect()                collect garbage now, and count what is left
    await E(kernel).terminate('demo')        end a cluster and erase what it stored; or one vat: ('demo', 'bob')
    await E(kernel).keep('purse', object)    keep an object as home.purse, across restarts too
    await E(kernel).forget('purse')
    await E(kernel).reference('ko12')        the object with this kref
    await E(kernel).storeBundle('a', { url })  store code by its hash; also bundles(), forgetBundle('a')
    await E(kernel).inspect(object)          who exports and holds it, and why; also 'ko12', 'kp3', 'demo.bob', 'v2'
    await E(kernel).mark()                   a mark; then grownSince(mark): what grew, by vat and by interface
    await E(kernel).cycles()                 references that lead back to where they begin

  home
    Object.keys(home)                        clusters (their bootstrap roots) and what is kept
    home.demo                                an object, or a promise of it: E takes both

  Examples, with the sample cluster demo
    const bob = await E(kernel).root('demo', 'bob')
    await E(bob).hello('x')                         send a message, await the answer
    await E(E(bob).makeFriend('kim')).hello('x')    send to an answer that has not arrived yet
    await E(bob).subscribe(Far('me', { heard: text => console.log(text) }))
    E.sendOnly(bob).hello('y')                      want no answer

  When the kernel or this console was restarted, presences reject with SESSION_CLOSED:
  get them again from home or E(kernel).root.`;
