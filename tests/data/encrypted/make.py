"""Makes the encrypted exports beside it, as Aegis and 2FAS write them: make.py FOLDER. Needs PyPI's cryptography. The password is
"correct horse", the secret is invented."""
import json,os,base64,hashlib,sys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
entries={"version":2,"entries":[{"type":"totp","uuid":"0","name":"ana","issuer":"Example","info":{"secret":"ASQ6O7ISZNOPKP4Y44NZ6FQMSFNCU64N","algo":"SHA1","digits":6,"period":30}}]}
pw=b"correct horse"
salt=os.urandom(32); n,r,p=32768,8,1
key=hashlib.scrypt(pw,salt=salt,n=n,r=r,p=p,dklen=32,maxmem=1<<27)
master=os.urandom(32); kn=os.urandom(12); c=AESGCM(key).encrypt(kn,master,None)
dn=os.urandom(12); d=AESGCM(master).encrypt(dn,json.dumps(entries).encode(),None)
json.dump({"version":1,"header":{"slots":[{"type":1,"uuid":"x","key":c[:-16].hex(),"key_params":{"nonce":kn.hex(),"tag":c[-16:].hex()},"n":n,"r":r,"p":p,"salt":salt.hex(),"repaired":True,"is_backup":False}],"params":{"nonce":dn.hex(),"tag":d[-16:].hex()}},"db":base64.b64encode(d[:-16]).decode()},open(sys.argv[1]+'/aegis.json','w'),indent=1)
services=[{"name":"Example","secret":"ASQ6O7ISZNOPKP4Y44NZ6FQMSFNCU64N","otp":{"account":"ana","digits":6,"period":30,"algorithm":"SHA1","tokenType":"TOTP"}}]
salt=os.urandom(256); iv=os.urandom(12)
key=hashlib.pbkdf2_hmac('sha256',pw,salt,10000,32)
d=AESGCM(key).encrypt(iv,json.dumps(services).encode(),None)
json.dump({"services":[],"schemaVersion":4,"servicesEncrypted":":".join(base64.b64encode(x).decode() for x in (d,salt,iv)),"reference":"x"},open(sys.argv[1]+'/2fas.json','w'))
