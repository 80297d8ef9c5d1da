// Written by `edgetl ship app`: an asset pack that is there as soon as the app is.
plugins {
    id("com.android.asset-pack")
}

assetPack {
    packName.set("edgetl_model")
    dynamicDelivery {
        deliveryType.set("install-time")
    }
}
